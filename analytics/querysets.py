"""Reads of sums by account, show, episode and day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models
from django.db.models import Sum

if TYPE_CHECKING:
    from analytics.models import (  # noqa: F401 - parameters below
        AccountDayApp,
        EpisodeDay,
        EpisodeTotal,
        ShowDay,
    )

_Row = TypeVar("_Row", bound=models.Model)


class _DaySums(models.QuerySet[_Row]):
    """Sums by day."""

    def of_account(self, account_id: int) -> Self:
        """Those of one account."""
        return self.filter(account_id=account_id)

    def between(self, first: date, last: date) -> Self:
        """From `first` to `last`, both included."""
        return self.filter(day__gte=first, day__lte=last)

    def by_day(self) -> dict[date, int]:
        """Downloads by day, days without any left out."""
        rows = self.values("day").annotate(amount=Sum("downloads")).values_list("day", "amount")
        return dict(rows)

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


class ShowDayQuerySet(_DaySums["ShowDay"]):
    """Downloads of shows by day."""

    def by_show(self) -> list[tuple[int, int, int]]:
        """(show id, all downloads, the delivered ones), most downloads first, then the newer show."""
        rows = (
            self.values("show_id")
            .annotate(amount=Sum("downloads"), sent=Sum("delivered"))
            .filter(amount__gt=0)
            .order_by("-amount", "-show_id")
        )
        return list(rows.values_list("show_id", "amount", "sent"))

    def delivered(self) -> int:
        """The downloads of which bytes are the evidence."""
        return self.aggregate(sent=Sum("delivered"))["sent"] or 0


class EpisodeDayQuerySet(_DaySums["EpisodeDay"]):
    """Downloads of episodes by day."""


class AccountDayAppQuerySet(_DaySums["AccountDayApp"]):
    """Downloads of accounts by day and app: far fewer rows than those of shows, and the same sums."""

    def by_app(self) -> dict[int, int]:
        """Downloads by app, apps without any left out."""
        rows = self.values("app_id").annotate(amount=Sum("downloads")).filter(amount__gt=0)
        return dict(rows.values_list("app_id", "amount"))


class EpisodeTotalQuerySet(models.QuerySet["EpisodeTotal"]):
    """Sums over all time."""

    def of_show(self, show_id: int) -> Self:
        """Those of one show, deleted episodes included."""
        return self.filter(show_id=show_id)

    def heard_first(
        self, account_id: int, *, least: int = 1
    ) -> models.QuerySet[EpisodeTotal, tuple[int, int]]:
        """(episode id, downloads) of one account, the most heard first, with `least` or more."""
        mine = self.filter(account_id=account_id, downloads__gte=least)
        return mine.order_by("-downloads", "episode_id").values_list("episode_id", "downloads")

    def total(self) -> int:
        """All downloads."""
        return self.aggregate(amount=Sum("downloads"))["amount"] or 0
