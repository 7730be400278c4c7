"""Reads of keys."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from core.prepared import Given

if TYPE_CHECKING:
    from accounts.models import Account
    from keys.models import ApiKey  # noqa: F401 - the generic parameter below


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Chainable reads, named by meaning."""

    def visible_to(self, account: Account) -> Self:
        """Keys of one account; everybody else's do not exist for it."""
        return self.filter(account=account)

    def active(self, *, now: datetime | Given) -> Self:
        """Keys that open something: neither revoked nor expired."""
        return self.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=now), revoked_at__isnull=True
        )

    def newest_first(self) -> Self:
        """Latest created first, ties by id."""
        return self.order_by("-created_at", "-pk")
