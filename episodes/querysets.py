"""Reads of episodes and of the copying of their audio."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

from core.leases import LeasedQuerySet
from episodes.states import Publication

if TYPE_CHECKING:
    from accounts.models import Account
    from episodes.models import AudioCopy, Episode  # noqa: F401 - generic parameters below


class EpisodeQuerySet(models.QuerySet["Episode"]):
    """Chainable reads, named by meaning."""

    def visible_to(self, account: Account) -> Self:
        """Episodes of one account; everybody else's do not exist for it."""
        return self.filter(show__account=account)

    def published(self) -> Self:
        """What the public sees."""
        return self.filter(state=Publication.PUBLISHED)

    def due(self, *, now: datetime) -> Self:
        """Scheduled episodes whose time has come, earliest first."""
        return self.filter(state=Publication.SCHEDULED, publish_at__lte=now).order_by(
            "publish_at", "pk"
        )

    def newest_first(self) -> Self:
        """Latest created first, ties by id."""
        return self.order_by("-created_at", "-pk")

    def feed_order(self) -> Self:
        """Latest published first, ties by id."""
        return self.order_by("-published_at", "-pk")


class AudioCopyQuerySet(LeasedQuerySet["AudioCopy"]):
    """Copies as rows of work."""

    open_states = ("waiting", "copying")
