"""Reads of narrations."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from accounts.models import Account
    from narration.models import Narration  # noqa: F401 - the generic parameter below


class NarrationQuerySet(models.QuerySet["Narration"]):
    """Chainable reads, named by meaning."""

    def visible_to(self, account: Account) -> Self:
        """Narrations of one account; everybody else's do not exist for it."""
        return self.filter(episode__show__account=account)

    def with_episode(self) -> Self:
        """Adds the rows that the contract's object shows."""
        return self.select_related("episode__asset")

    def newest_first(self) -> Self:
        """Latest created first, ties by id."""
        return self.order_by("-created_at", "-pk")

    def claimable(self, *, now: datetime) -> Self:
        """What waits and is due, and what was left by a worker that died."""
        return self.filter(
            Q(state="waiting", due_at__lte=now) | Q(state="preparing", lease_until__lt=now)
        )
