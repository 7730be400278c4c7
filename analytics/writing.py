"""Writes what a batch came to: windows, downloads, sums, listener sets and ledger entries."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection

from analytics.bulk import insert_rows, read_rows, sent_together, upsert_rows
from analytics.eligibility import EpisodeFacts
from analytics.facts import episode_facts
from analytics.ledger import enter_due
from analytics.methods import DAY_MS, Method
from analytics.models import (
    AccountDayApp,
    AccountHour,
    AgentDay,
    Download,
    EpisodeDay,
    EpisodeDayApp,
    EpisodeTotal,
    FunnelDay,
    ListenerSet,
    ShowDay,
    StepDay,
    Window,
)
from analytics.moments import (
    day_number,
    day_of,
    day_value,
    milliseconds_of,
    moment_of,
    moment_value,
)
from analytics.naming import digest_of_agent
from analytics.results import FIRSTS, Found, Results, Sums, listener_keys
from analytics.sketches import ListenerHashes
from analytics.windows import WINDOW_COLUMNS, window_of_row

_WINDOW_KEY = ("listener", "episode_id")
_WINDOW_STATE = ("touches", "who", "carried", "counted", "is_burst")
_WINDOW_KEPT = ("previous_listener", "playback_session", "network", "previous_network", "day")


def write_results(results: Results, method: Method, *, now: datetime) -> None:
    """Write rows and sums; demands the transaction of the position.

    The rows first, which the database stores while the next ones are worked out; then everything
    is read that the sums need, and they go out together.
    """
    held = _write_new_windows(results)
    sums = Sums(results.episodes)
    for found in _take_back(results.removed):
        sums.take(found, -1)
    insert_downloads(sums.taking(results.added), method)
    sets = _grown_sets(results)
    published = _published(sums)
    with sent_together():
        _write_held_windows(held)
        add_sums(sums)
        add_funnel(results.funnel.items())
        _add_agents(results)
        add_totals(sums, results.episodes)
    # Sketches of many apps are too much to lie in memory until they are sent.
    write_sets(sets)
    _recount_moved(published, results.episodes)
    if results.lost:
        _remake_sets(results.lost)
    enter_due(now=now)


def _write_new_windows(results: Results) -> list[tuple[object, ...]]:
    """Insert windows that no batch has had before; returns the rows of those that one has had."""
    held: list[tuple[object, ...]] = []

    def new() -> Iterator[tuple[object, ...]]:
        for window, outcome in results.rows:
            touches, who, carried, counted = window.packed(outcome)
            row = (
                window.listener,
                window.episode_id,
                touches,
                who,
                carried,
                counted,
                window.is_burst,
                window.previous,
                window.playback,
                window.network,
                window.previous_network,
                day_value(window.day),
            )
            if window.is_new:
                yield row
            else:
                held.append(row)

    insert_rows(Window, [*_WINDOW_KEY, *_WINDOW_STATE, *_WINDOW_KEPT], new())
    return held


def _write_held_windows(rows: Sequence[tuple[object, ...]]) -> None:
    upsert_rows(Window, rows, key=_WINDOW_KEY, replaced=_WINDOW_STATE, kept=_WINDOW_KEPT)


def _take_back(removed: Sequence[tuple[int, int]]) -> list[Found]:
    """Delete the rows of downloads that are none any more; returns what they held."""
    if not removed:
        return []
    wanted = set(removed)
    rows = Download.objects.filter(started_at__in={moment_of(start) for start, _ in removed})
    found = [row for row in rows if (milliseconds_of(row.started_at), row.fingerprint) in wanted]
    Download.objects.filter(pk__in=[row.pk for row in found]).delete()
    return [found_of_row(row) for row in found]


def found_of_row(row: Download) -> Found:
    """The download that a row tells of."""
    return Found(
        milliseconds_of(row.started_at),
        row.fingerprint,
        row.account_id,
        row.show_id,
        row.episode_id,
        row.app_id,
        row.evidence,
        row.device,
        row.country,
        row.as_number,
        row.source,
    )


def insert_downloads(added: Iterable[Found], method: Method) -> None:
    """Insert rows; demands a transaction."""
    insert_rows(
        Download,
        ["started_at", *Found._fields[1:], "rules_version"],
        ((moment_value(one[0]), *one[1:], method.rules_version) for one in added),
    )


def add_sums(sums: Sums) -> None:
    """Add to the sums by day; demands a transaction."""
    adapt = connection.ops.adapt_datetimefield_value
    of_show = {show: account for account, show in sums.accounts.values()}
    upsert_rows(
        EpisodeDay,
        [
            (episode, day_value(day), *pair, sums.accounts[episode][1], sums.accounts[episode][0])
            for (episode, day), pair in sorted(sums.episode_days.items())
        ],
        key=["episode_id", "day"],
        added=["downloads", "delivered"],
        kept=["show_id", "account_id"],
    )
    upsert_rows(
        ShowDay,
        [
            (show, day_value(day), *pair, of_show[show])
            for (show, day), pair in sorted(sums.show_days.items())
        ],
        key=["show_id", "day"],
        added=["downloads", "delivered"],
        kept=["account_id"],
    )
    upsert_rows(
        EpisodeDayApp,
        [(e, day_value(d), app, n) for (e, d, app), n in sorted(sums.episode_apps.items())],
        key=["episode_id", "day", "app_id"],
        added=["downloads"],
    )
    upsert_rows(
        AccountDayApp,
        [(a, day_value(d), app, n) for (a, d, app), n in sorted(sums.account_apps.items())],
        key=["account_id", "day", "app_id"],
        added=["downloads"],
    )
    upsert_rows(
        AccountHour,
        [
            (account, adapt(datetime.fromtimestamp(hour * 3_600, UTC)), amount, 0, 0)
            for (account, hour), amount in sorted(sums.account_hours.items())
        ],
        key=["account_id", "hour"],
        added=["downloads"],
        kept=["entered", "entries"],
    )


def add_funnel(steps: Iterable[tuple[tuple[int, int, str], int]]) -> None:
    """Add amounts by (episode, day number, step), and by day and step; demands a transaction."""
    rows = sorted(steps)
    upsert_rows(
        FunnelDay,
        [(e, day_value(day), step, n) for (e, day, step), n in rows if n],
        key=["episode_id", "day", "step"],
        added=["amount"],
    )
    of_all: Tally[tuple[int, str]] = Tally()
    for (_episode, day, step), amount in rows:
        of_all[day, step] += amount
    upsert_rows(
        StepDay,
        [(day_value(day), step, n) for (day, step), n in sorted(of_all.items()) if n],
        key=["day", "step"],
        added=["amount"],
    )


def _add_agents(results: Results) -> None:
    upsert_rows(
        AgentDay,
        [
            (digest_of_agent(agent), day_value(day), hits)
            for (agent, day), hits in sorted(results.agents.items())
        ],
        key=["digest", "day"],
        added=["hits"],
    )


def _published(sums: Sums) -> dict[int, datetime | None]:
    """When the totals take the episodes of a batch to have been published."""
    rows = EpisodeTotal.objects.filter(pk__in=list(sums.totals)).values_list("pk", "published_at")
    return dict(rows)


def add_totals(sums: Sums, episodes: Mapping[int, EpisodeFacts]) -> None:
    """Add to the totals; demands a transaction."""
    adapt = connection.ops.adapt_datetimefield_value
    rows = []
    for episode, amounts in sorted(sums.totals.items()):
        account, show = sums.accounts[episode]
        facts = episodes.get(episode)
        published = facts.published_at if facts else None
        rows.append((episode, adapt(published) if published else None, *amounts, show, account))
    upsert_rows(
        EpisodeTotal,
        rows,
        key=["episode_id"],
        replaced=["published_at"],
        added=["downloads", "delivered", *(name for name, _days in FIRSTS)],
        kept=["show_id", "account_id"],
    )


def _recount_moved(
    published: Mapping[int, datetime | None], episodes: Mapping[int, EpisodeFacts]
) -> None:
    """Count the first days anew of episodes whose date changed since (R52)."""
    for episode, before in published.items():
        facts = episodes.get(episode)
        if facts is not None and facts.published_at is not None and before != facts.published_at:
            recount_firsts(episode, facts.published_at)


def recount_firsts(episode_id: int, published_at: datetime) -> None:
    """Count the first day, week and month of an episode from its rows; demands a transaction."""
    EpisodeTotal.objects.filter(pk=episode_id).update(
        published_at=published_at,
        **{
            name: Download.objects.filter(
                episode_id=episode_id,
                started_at__gte=published_at,
                started_at__lt=published_at + timedelta(days=days),
            ).count()
            for name, days in FIRSTS
        },
    )


def _grown_sets(results: Results) -> list[tuple[object, ...]]:
    """The rows of sets that gain listeners, except for those that have lost one."""
    lost = results.lost
    wanted = {key: hashes for key, hashes in results.listeners.items() if key[:3] not in lost}
    held = _held_sets(wanted)
    rows = []
    for key, hashes in sorted(wanted.items()):
        members = held.get(key) or ListenerHashes()
        members.add(hashes)
        rows.append(set_row(key, members))
    return rows


def _held_sets(
    keys: Iterable[tuple[int, int, int, int]],
) -> dict[tuple[int, int, int, int], ListenerHashes]:
    wanted = set(keys)
    accounts = {key[0] for key in wanted}
    days = {day_of(key[1]) for key in wanted}
    rows = ListenerSet.objects.filter(account_id__in=accounts, day__in=days).values_list(
        "account_id", "day", "app_id", "period", "members", "is_sketch"
    )
    return {
        (account, day_number(day), app, period): ListenerHashes(members, is_sketch=sketch)
        for account, day, app, period, members, sketch in read_rows(rows)
        if (account, day_number(day), app, period) in wanted
    }


def _remake_sets(lost: set[tuple[int, int, int]]) -> None:
    """Make sets anew from the windows: a set cannot forget one of its members (R56)."""
    days = {day_of(day) for _account, day, _app in lost}
    days |= {day + timedelta(days=1) for day in days}
    sets: dict[tuple[int, int, int, int], set[int]] = {}
    rows = Window.objects.filter(day__in=days).values_list(*WINDOW_COLUMNS)
    windows = []
    for row in rows.iterator(chunk_size=5_000):
        values = list(row)
        values[4] = day_number(values[4])
        windows.append(window_of_row(tuple(values)))
    episodes = episode_facts({window.episode_id for window in windows})
    for window in windows:
        facts = episodes.get(window.episode_id)
        if facts is None:
            continue
        for start, _evidence in window.before.downloads:
            for key, listener in listener_keys(
                facts.account_id, start // DAY_MS, window.who_of(start)
            ):
                if key[:3] in lost:
                    sets.setdefault(key, set()).add(listener)
    for account, day, app in lost:
        ListenerSet.objects.filter(account_id=account, day=day_of(day), app_id=app).delete()
    made = []
    for key, hashes in sorted(sets.items()):
        members = ListenerHashes()
        members.add(hashes)
        made.append(set_row(key, members))
    write_sets(made)


def set_row(key: tuple[int, int, int, int], members: ListenerHashes) -> tuple[object, ...]:
    """The row of (account, day, app, period)."""
    account, day, app, period = key
    return (account, period, day_value(day), app, members.packed(), members.is_sketch)


def write_sets(rows: list[tuple[object, ...]]) -> None:
    """Put sets in the place of those before them; demands a transaction."""
    upsert_rows(
        ListenerSet,
        rows,
        key=["account_id", "period", "day", "app_id"],
        replaced=["members", "is_sketch"],
    )
