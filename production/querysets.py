"""Reads of productions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from production.states import State

if TYPE_CHECKING:
    from production.models import Production  # noqa: F401 - the generic parameter below


class ProductionQuerySet(models.QuerySet["Production"]):
    """Chainable reads, named by meaning."""

    def claimable(self, *, now: datetime) -> Self:
        """What waits and is due, and what a worker has abandoned."""
        return self.filter(
            Q(state=State.WAITING, due_at__lte=now) | Q(state=State.RUNNING, lease_until__lte=now)
        )

    def longest_waiting_first(self) -> Self:
        """By the time they became due, ties by id."""
        return self.order_by("due_at", "pk")
