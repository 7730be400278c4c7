"""The admin's sign-in form, which lets an address try only so many passwords."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.utils import timezone

from core.client_address import client_address, packed_network
from core.throttles import count_event

ATTEMPTS = 10
WINDOW = timedelta(minutes=5)


class AdminSignInForm(AdminAuthenticationForm):
    """Counts before a password is compared: the comparison is slow on purpose."""

    def clean(self) -> dict[str, Any]:
        """As Django's; raises `ValidationError` after ATTEMPTS within WINDOW from one address."""
        meta = self.request.META if self.request is not None else {}
        address = client_address(meta, trusted=settings.TRUSTED_PROXIES)
        tally = count_event(
            settings.DATA_DIR / "admin-sign-ins",
            key=packed_network(address) if address else b"",
            limit=ATTEMPTS,
            window=WINDOW,
            now=timezone.now(),
        )
        if tally.is_over:
            minutes = tally.resets_in_seconds // 60 + 1
            raise ValidationError(
                f"Too many attempts; try again in {minutes} minutes.", code="too_many_attempts"
            )
        return super().clean()
