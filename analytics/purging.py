"""Purges what was counted for a show: rows, sums, windows, and the kept hits themselves (R76)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db import transaction
from django.db.models import F, Sum

from analytics.models import (
    AccountDayApp,
    Download,
    EpisodeDay,
    EpisodeDayApp,
    EpisodeTotal,
    FunnelDay,
    ListenerSet,
    ShowDay,
    Window,
)
from analytics.segments import HitStore, hit_store, without_hits
from episodes.models import Episode


def purge_show(*, show_id: int) -> int:
    """Remove everything that was counted for a show but the usage ledger; returns the rows.

    Kept hits go first: killed on the way, a second call finds the rest. Hits of the show that wait
    to be counted meanwhile are counted afterwards, so the command counts before it purges. Listener
    sets are of an account, an app and a day: those go that only the show's downloads have filled.
    """
    episodes = set(EpisodeTotal.objects.filter(show_id=show_id).values_list("pk", flat=True))
    episodes |= set(Episode.objects.filter(show_id=show_id).values_list("pk", flat=True))
    episodes |= _purge_kept_hits(hit_store(), show_id)
    removed = 0
    with transaction.atomic(durable=True):
        _take_from_account(show_id, episodes)
        for found in (
            Download.objects.filter(show_id=show_id),
            ShowDay.objects.filter(show_id=show_id),
            EpisodeDay.objects.filter(show_id=show_id),
            EpisodeDayApp.objects.filter(episode_id__in=episodes),
            FunnelDay.objects.filter(episode_id__in=episodes),
            Window.objects.filter(episode_id__in=episodes),
            EpisodeTotal.objects.filter(show_id=show_id),
        ):
            removed += found.delete()[0]
    return removed


def _purge_kept_hits(store: HitStore, show_id: int) -> set[int]:
    """Write archive files anew without the show's hits; returns the episodes that these were of."""
    episodes: set[int] = set()
    for day, names in store.kept().items():
        for name in names:
            left, gone = without_hits(store.read_kept(day, name), show_id=show_id)
            if gone:
                store.keep(day, name, left)
                episodes |= gone
    return episodes


def _take_from_account(show_id: int, episodes: Iterable[int]) -> None:
    """Sums of an account hold all its shows, so the show's part is taken out of them (R49)."""
    accounts = EpisodeTotal.objects.filter(show_id=show_id).values_list("account_id", flat=True)
    rows = (
        EpisodeDayApp.objects.filter(episode_id__in=episodes)
        .values("day", "app_id")
        .annotate(amount=Sum("downloads"))
        .values_list("day", "app_id", "amount")
    )
    parts: list[tuple[date, int, int]] = [row for row in rows if row[2]]
    for account in set(accounts):
        mine = AccountDayApp.objects.filter(account_id=account)
        for day, app, amount in parts:
            mine.filter(day=day, app_id=app).update(downloads=F("downloads") - amount)
            if not mine.filter(day=day, app_id=app, downloads__gt=0).exists():
                mine.filter(day=day, app_id=app).delete()
                ListenerSet.objects.filter(account_id=account, day=day, app_id=app).delete()
