"""Reads of sums by account, show, episode and day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models
from django.db.models import Sum

if TYPE_CHECKING:
    from analytics.models import EpisodeDay, EpisodeTotal, ShowDay  # noqa: F401 - parameters below

_Row = TypeVar("_Row", bound=models.Model)


class _DaySums(models.QuerySet[_Row]):
    """Sums by day."""

    def of_account(self, account_id: int) -> Self:
        """Those of one account."""
        return self.filter(account_id=account_id)

    def between(self, first: date, last: date) -> Self:
        """From `first` to `last`, both included."""
        return self.filter(day__gte=first, day__lte=last)

    def evidence_by_day(self) -> dict[date, tuple[int, int]]:
        """All downloads and the delivered ones by day, days without any left out."""
        rows = self.values("day").annotate(amount=Sum("downloads"), sent=Sum("delivered"))
        return {
            day: (amount, sent) for day, amount, sent in rows.values_list("day", "amount", "sent")
        }

    def by_day(self) -> dict[date, int]:
        """Downloads by day, days without any left out."""
        rows = self.values("day").annotate(amount=Sum("downloads")).values_list("day", "amount")
        return dict(rows)

    def total(self) -> int:
        """All downloads."""
        return self.aggregate(amount=Sum("downloads"))["amount"] or 0

    def top(self, name: str, *, most: int | None = None) -> list[tuple[int, int]]:
        """(id, downloads) by the column `name`, most downloads first, then the newer (higher) id."""
        rows = (
            self.values(name)
            .annotate(amount=Sum("downloads"))
            .filter(amount__gt=0)
            .order_by("-amount", f"-{name}")
            .values_list(name, "amount")
        )
        return list(rows if most is None else rows[:most])

    def evidence(self) -> tuple[int, int]:
        """All downloads, and how many of them were delivered."""
        found = self.aggregate(amount=Sum("downloads"), sent=Sum("delivered"))
        return found["amount"] or 0, found["sent"] or 0


class ShowDayQuerySet(_DaySums["ShowDay"]):
    """Downloads of shows by day."""


class EpisodeDayQuerySet(_DaySums["EpisodeDay"]):
    """Downloads of episodes by day."""


class EpisodeTotalQuerySet(models.QuerySet["EpisodeTotal"]):
    """Sums over all time."""

    def of_show(self, show_id: int) -> Self:
        """Those of one show, deleted episodes included."""
        return self.filter(show_id=show_id)

    def heard_first(self, account_id: int) -> models.QuerySet[EpisodeTotal, tuple[int, int]]:
        """(episode id, downloads) of one account, the most heard first."""
        mine = self.filter(account_id=account_id, downloads__gt=0)
        return mine.order_by("-downloads", "episode_id").values_list("episode_id", "downloads")

    def total(self) -> int:
        """All downloads."""
        return self.aggregate(amount=Sum("downloads"))["amount"] or 0
