"""Reads of shows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, Q

from core.prepared import Given

if TYPE_CHECKING:
    from accounts.models import Account
    from shows.models import Show  # noqa: F401 - the generic parameter below


class ShowQuerySet(models.QuerySet["Show"]):
    """Chainable reads, named by meaning."""

    def visible_to(self, account: Account) -> Self:
        """Shows of one account; everybody else's do not exist for it."""
        return self.filter(account=account)

    def with_episode_count(self, state: str | Given | None = None) -> Self:
        """Adds `episode_count`: of episodes in `state`, or of all."""
        condition = None if state is None else Q(episodes__state=state)
        return self.annotate(episode_count=Count("episodes", filter=condition))

    def newest_first(self) -> Self:
        """Latest created first, ties by id."""
        return self.order_by("-created_at", "-pk")

    def heard(self) -> Self:
        """Shows with at least one published episode."""
        return self.filter(episodes__state="published").distinct()

    def changed_since(self, moment: datetime) -> Self:
        """Shows whose feed changed after `moment`."""
        return self.filter(public_changed_at__gt=moment)

    def public(self) -> Self:
        """Shows whose feed is served by id."""
        return self.filter(visibility="public")
