"""Recounts days from the kept hits: shows the difference, and replaces the sums only on demand (R43, R68)."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction
from django.db.models import Sum

from analytics.batches import Judge, Verdicts, read_piece
from analytics.counting import take_group
from analytics.facts import episode_facts, figures_of
from analytics.hits import Hit
from analytics.methods import DAY_MS, Method
from analytics.models import (
    AccountDayApp,
    AccountHour,
    Download,
    EpisodeDay,
    EpisodeDayApp,
    EpisodeTotal,
    FunnelDay,
    ListenerSet,
    Rebuild,
    ShowDay,
    StepDay,
)
from analytics.moments import day_number, day_of, moment_of
from analytics.naming import Namer
from analytics.results import Found, Results, SetKey, Sums, compare
from analytics.segments import hit_store, read_archived
from analytics.sessions import Figures
from analytics.sketches import ListenerHashes
from analytics.windows import DayWindow, Windows
from analytics.writing import (
    add_funnel,
    add_sums,
    insert_downloads,
    recount_firsts,
    set_row,
    write_sets,
)

#: Days before the first one that are counted too, for the sessions that go over its midnight.
LEAD_DAYS = 3
_BY_DAY = (
    ShowDay,
    EpisodeDay,
    EpisodeDayApp,
    AccountDayApp,
    FunnelDay,
    StepDay,
    ListenerSet,
)
#: A hit may be in the archive of a later day than its own: those of a broken-off machine.
_LATEST_DAYS = 3


@dataclass(slots=True)
class Recount:
    """All that the kept hits of some days come to."""

    found: list[Found] = field(default_factory=list)
    funnel: Tally[tuple[int, int, str]] = field(default_factory=Tally)
    listeners: dict[SetKey, set[int]] = field(default_factory=dict)


def rebuild(
    *, first: date, last: date, method: Method, namer: Namer, now: datetime, apply: bool
) -> Rebuild:
    """Recount the days `first` to `last`; with `apply` the result takes the place of the sums.

    Needs the archive of those days, of the three before and of the three after. The difference is
    kept either way.
    """
    recount = _recount(day_number(first), day_number(last), method, namer, now=now)
    before = _downloads_by_episode(first, last)
    after = Tally((one.episode_id, day_of(one.started_ms // DAY_MS)) for one in recount.found)
    with transaction.atomic(durable=True):
        if apply:
            _replace(recount, first, last, method)
        return Rebuild.objects.create(
            first_day=first,
            last_day=last,
            before=sum(before.values()),
            after=sum(after.values()),
            differences=[
                {
                    "episode": key[0],
                    "day": key[1].isoformat(),
                    "before": before[key],
                    "after": after[key],
                }
                for key in sorted(before.keys() | after.keys())
                if before[key] != after[key]
            ][:500],
            is_applied=apply,
            made_at=now,
        )


def _recount(first: int, last: int, method: Method, namer: Namer, *, now: datetime) -> Recount:
    """Day after day, with the windows of the day before at hand."""
    recount = Recount()
    before: dict[tuple[bytes, int], DayWindow] = {}
    for day in range(first - LEAD_DAYS, last + 2):
        hits = list(_hits_of(day))
        figures = figures_of({hit.asset_id for hit in hits if hit.asset_id}, now=now)
        verdicts = _judge(hits, figures, method, namer, now=now)
        windows = Windows(method, figures)
        for window in before.values():
            windows.add(window)
        for key, group in verdicts.groups.items():
            take_group(windows, key, group)
        changed = [one for one in windows.settle() if one.day == day or one.is_burst]
        _add_figures(figures, changed, now=now)
        results = compare(
            changed,
            episodes=episode_facts({one.episode_id for one in changed}),
            figures=figures,
            funnel=verdicts.funnel,
        )
        results.work_out()
        _collect(recount, results, first, last)
        before = {one.key: _closed(one) for one in windows.by_key.values() if one.day == day}
    return recount


def _judge(
    hits: list[Hit], figures: dict[int, Figures], method: Method, namer: Namer, *, now: datetime
) -> Verdicts:
    judge = Judge(
        method=method,
        agents=namer.verdicts({hit.user_agent for hit in hits}, now=now),
        web_apps=namer.web_apps({hit.referrer_host for hit in hits}, now=now),
        episodes=episode_facts({hit.episode_id for hit in hits}),
        figures=figures,
        preloaders=namer.preloaders({hit.referrer_host for hit in hits}),
        now_ms=None,
    )
    return judge.judge(hits)


def _closed(window: DayWindow) -> DayWindow:
    window.is_new, window.is_changed = False, False
    return window


def _add_figures(figures: dict[int, Figures], windows: list[DayWindow], *, now: datetime) -> None:
    assets = {
        asset
        for one in windows
        if one.carried is not None
        for asset in (*one.carried.delivered, *one.carried.requested)
    }
    figures.update(figures_of(assets - figures.keys(), now=now))


def _collect(recount: Recount, results: Results, first: int, last: int) -> None:
    recount.found += [one for one in results.added if first <= one.started_ms // DAY_MS <= last]
    for step, amount in results.funnel.items():
        if first <= step[1] <= last:
            recount.funnel[step] += amount
    for key, hashes in results.listeners.items():
        if first <= key[1] <= last:
            recount.listeners.setdefault(key, set()).update(hashes)


def _hits_of(day: int) -> Iterator[Hit]:
    """Every kept hit of one UTC day, from the archives it can be in; no segment twice."""
    store = hit_store()
    seen: set[str] = set()
    for kept_on, names in store.kept().items():
        if not day <= day_number(kept_on) <= day + _LATEST_DAYS:
            continue
        for name in names:
            for segment, content in read_archived(store.read_kept(kept_on, name)):
                if segment in seen:
                    continue
                seen.add(segment)
                yield from (
                    hit for hit in read_piece(segment, content).hits if hit.time_ms // DAY_MS == day
                )


def _downloads_by_episode(first: date, last: date) -> Tally[tuple[int, date]]:
    rows = EpisodeDay.objects.between(first, last).values_list("episode_id", "day", "downloads")
    return Tally({(episode, day): amount for episode, day, amount in rows if amount})


def _replace(recount: Recount, first: date, last: date, method: Method) -> None:
    """Put the recount in the place of what was there; demands a transaction."""
    start = moment_of(day_number(first) * DAY_MS)
    end = moment_of((day_number(last) + 1) * DAY_MS)
    touched = set(EpisodeDay.objects.between(first, last).values_list("episode_id", flat=True))
    Download.objects.filter(started_at__gte=start, started_at__lt=end).delete()
    for model in _BY_DAY:
        model.objects.filter(day__gte=first, day__lte=last).delete()
    # What the ledger has stays: the difference is entered as a correction.
    AccountHour.objects.filter(hour__gte=start, hour__lt=end).update(downloads=0)
    facts = episode_facts({one.episode_id for one in recount.found})
    sums = Sums(facts)
    for one in recount.found:
        sums.take(one, 1)
    insert_downloads(recount.found, method)
    add_sums(sums)
    add_funnel(recount.funnel.items())
    rows = []
    for key, hashes in sorted(recount.listeners.items()):
        members = ListenerHashes()
        members.add(hashes)
        rows.append(set_row(key, members))
    write_sets(rows)
    _remake_totals(touched | {one.episode_id for one in recount.found}, sums)


def _remake_totals(episodes: set[int], sums: Sums) -> None:
    for number in sorted(episodes):
        found = EpisodeDay.objects.filter(episode_id=number).aggregate(
            downloads=Sum("downloads"), delivered=Sum("delivered")
        )
        account, show = sums.accounts.get(number, (0, 0))
        total, _made = EpisodeTotal.objects.get_or_create(
            pk=number, defaults={"account_id": account, "show_id": show}
        )
        EpisodeTotal.objects.filter(pk=number).update(
            downloads=found["downloads"] or 0, delivered=found["delivered"] or 0
        )
        published = episode_facts([number])[number].published_at or total.published_at
        if published is not None:
            recount_firsts(number, published)


def archive_span() -> tuple[date, date] | None:
    """The first and last day that hits are kept of."""
    days = sorted(hit_store().kept())
    return (days[0], days[-1]) if days else None
