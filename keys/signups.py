"""Whether a stranger may open an account now: the operator's switch and the limit per address."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from core.client_address import Address, packed_network
from core.errors import Forbidden, QuotaExceeded
from core.throttles import count_event

WINDOW = timedelta(hours=1)


class SignupsClosed(Forbidden):
    """The operator lets nobody open an account without a key."""

    code = "signups_closed"


class TooManySignups(QuotaExceeded):
    """SIGNUPS_PER_HOUR accounts were opened from this address within the hour."""

    code = "too_many_signups"


def allow_signup(*, address: Address | None, now: datetime) -> None:
    """Count one sign-up from `address` (IPv6: its network), or raise the refusal.

    All whose address is unknown share one count.
    """
    if not settings.SIGNUPS_OPEN:
        raise SignupsClosed(
            "This server is closed to new accounts. Ask its operator for a key, or send a "
            "full-access key in the header Authorization: Bearer <key> to add one to its account."
        )
    tally = count_event(
        settings.DATA_DIR / "signups",
        key=packed_network(address) if address else b"",
        limit=settings.SIGNUPS_PER_HOUR,
        window=WINDOW,
        now=now,
    )
    if tally.is_over:
        raise TooManySignups(
            f"Too many new accounts from this address: {settings.SIGNUPS_PER_HOUR} per hour are "
            "allowed. Wait, or add keys to an existing account by sending its full-access key.",
            details={"retry_after": tally.resets_in_seconds},
        )
