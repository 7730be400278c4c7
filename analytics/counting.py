"""The counter: takes pieces of the hit stream, and writes all that follows from them in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import structlog
from django.db import connection, transaction
from django.db.models import F, Q

from analytics.batches import Judge, Judged, Piece, Verdicts
from analytics.bulk import insert_rows, select_in, upsert_rows
from analytics.eligibility import EpisodeFacts
from analytics.ledger import enter_due
from analytics.methods import DAY_MS, Method
from analytics.models import (
    AccountDayApp,
    AccountHour,
    AudioFigures,
    BadLine,
    Counter,
    Download,
    EpisodeDay,
    EpisodeDayApp,
    EpisodeTotal,
    FunnelDay,
    ListenerSet,
    LogPosition,
    Segment,
    ShowDay,
    Window,
)
from analytics.naming import Namer, naming_in_force
from analytics.results import FIRSTS, Found, Results, Sums, compare, listener_keys
from analytics.sessions import Figures
from analytics.sketches import ListenerHashes
from analytics.windows import DayWindow, Windows, window_of_row
from episodes.models import AudioAsset, Episode
from episodes.states import Publication

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
_EPOCH = date(1970, 1, 1)
_WINDOW_COLUMNS = (
    "listener",
    "previous_listener",
    "playback_session",
    "episode_id",
    "day",
    "touches",
    "who",
    "carried",
    "counted",
    "is_burst",
)


class CounterMoved(Exception):
    """Another worker counted meanwhile: nothing of this batch was written."""


@dataclass(frozen=True, slots=True)
class LogMove:
    """An access log that was read from `start` to `end` (offsets in bytes)."""

    name: str
    inode: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What one batch came to; `reasons` says by hit id what became of each hit."""

    hits: int = 0
    bad_lines: int = 0
    downloads: int = 0
    removed: int = 0
    segments: tuple[str, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)


@contextmanager
def leased_counter(*, now: datetime) -> Iterator[bool]:
    """Hold the counter: true for one worker at a time, whose lease ends by itself if it dies.

    The lease saves work; what keeps two workers from counting one thing twice is the position.
    """
    owner = secrets.token_hex(16)
    Counter.objects.get_or_create(pk=1)
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    taken = Counter.objects.filter(free, pk=1).update(owner=owner, leased_until=now + LEASE)
    try:
        yield bool(taken)
    finally:
        Counter.objects.filter(pk=1, owner=owner).update(owner="", leased_until=None)


def note_counted_up_to(*, now: datetime) -> None:
    """Nothing waits: the numbers go up to `now` (R54)."""
    Counter.objects.filter(pk=1).update(counted_at=now)


class BatchCounter:
    """Counts batches under one method and one set of lists."""

    def __init__(self, method: Method, *, namer: Namer | None = None) -> None:
        self.method = method
        self._namer = namer or Namer(naming_in_force())

    def count(
        self,
        pieces: Sequence[Piece],
        *,
        now: datetime,
        log_move: LogMove | None = None,
        before_commit: Callable[[list[Piece], dict[str, str]], None] | None = None,
    ) -> Counted:
        """Count the pieces that were not counted before. Raises `CounterMoved`.

        All reading and reckoning comes before the transaction, so that others can write meanwhile;
        the position, which only moves with the results, tells whether what was read still holds.
        `before_commit` is given the pieces that are new and what became of each hit by its id.
        """
        position = Counter.objects.values_list("batches", flat=True).get(pk=1)
        names = [piece.name for piece in pieces]
        known = {name for (name,) in select_in(Segment, ["name"], "name", names)}
        fresh = [piece for piece in pieces if piece.name not in known]
        if not fresh:
            return Counted()
        verdicts = self._judge(fresh, now=now)
        results = self._reckon(verdicts, now=now)
        if before_commit is not None:
            before_commit(fresh, verdicts.reasons)
        with transaction.atomic(durable=True):
            self._move(position, fresh, verdicts, log_move, now=now)
            _write(results, self.method, now=now)
        return Counted(
            hits=verdicts.hits,
            bad_lines=sum(len(piece.wrong) for piece in fresh),
            downloads=len(results.added),
            removed=len(results.removed),
            segments=tuple(piece.name for piece in fresh),
            reasons=verdicts.reasons,
        )

    def _judge(self, pieces: Sequence[Piece], *, now: datetime) -> Verdicts:
        hits = [hit for piece in pieces for hit in piece.hits]
        self._episodes = _episode_facts({hit.episode_id for hit in hits})
        self._figures = _figures({hit.asset_id for hit in hits if hit.asset_id}, now=now)
        judge = Judge(
            method=self.method,
            agents=self._namer.verdicts({hit.user_agent for hit in hits}, now=now),
            web_apps=self._namer.web_apps({hit.referrer_host for hit in hits}, now=now),
            episodes=self._episodes,
            figures=self._figures,
            now_ms=int(now.timestamp() * 1_000),
        )
        return judge.judge(hits)

    def _reckon(self, verdicts: Verdicts, *, now: datetime) -> Results:
        windows = Windows(self.method, self._figures)
        groups = _joined(verdicts.groups) if self.method.join_playback_sessions else verdicts.groups
        keys = {key for key, _episode in groups}
        keys |= {
            bytes.fromhex(group.hit.previous_listener)
            for group in groups.values()
            if group.hit.previous_listener
        }
        _load(windows, "listener", keys)
        for key, group in groups.items():
            _take(windows, key, group)
        _load_following(windows)
        changed = list(windows.settle())
        _complete(self._episodes, self._figures, changed, now=now)
        return compare(
            changed, episodes=self._episodes, figures=self._figures, funnel=verdicts.funnel
        )

    def _move(
        self,
        position: int,
        pieces: Sequence[Piece],
        verdicts: Verdicts,
        log_move: LogMove | None,
        *,
        now: datetime,
    ) -> None:
        """Move the position, or find that somebody else has; the row stays locked until the commit."""
        bad = [wrong for piece in pieces for wrong in piece.wrong]
        moved = Counter.objects.filter(pk=1, batches=position).update(
            batches=position + 1,
            hits=F("hits") + verdicts.hits,
            bad_lines=F("bad_lines") + len(bad),
            counted_at=now,
            leased_until=now + LEASE,
        )
        if not moved:
            raise CounterMoved
        if verdicts.last_ms:
            Counter.objects.filter(
                Q(last_hit_at__isnull=True) | Q(last_hit_at__lt=_moment(verdicts.last_ms)), pk=1
            ).update(last_hit_at=_moment(verdicts.last_ms))
        Segment.objects.bulk_create(
            Segment(
                name=piece.name, hits=len(piece.hits), bad_lines=len(piece.wrong), counted_at=now
            )
            for piece in pieces
        )
        BadLine.objects.bulk_create(
            (BadLine(segment=w.segment, line=w.line, error=w.error, found_at=now) for w in bad),
            ignore_conflicts=True,
        )
        if log_move is not None:
            _move_log(log_move, now=now)


def _move_log(move: LogMove, *, now: datetime) -> None:
    held = LogPosition.objects.filter(name=move.name, inode=move.inode).first()
    if (held.offset if held else 0) != move.start:
        raise CounterMoved
    LogPosition.objects.update_or_create(
        name=move.name, defaults={"inode": move.inode, "offset": move.end, "read_at": now}
    )


def _take(windows: Windows, key: tuple[bytes, int], group: Judged) -> None:
    """Give a group's touches to its windows, one for each UTC day that its keys were made on."""
    window = windows.by_key.get(key)
    if window is None:
        previous = group.hit.previous_listener
        playback = group.hit.playback_session
        window = DayWindow(
            listener=key[0],
            previous=bytes.fromhex(previous) if previous else None,
            playback=bytes.fromhex(playback) if playback else None,
            episode_id=key[1],
            day=group.touches[0].time_ms // DAY_MS,
            who=group.who,
            touches=[],
        )
        windows.add(window)
    window.take(group.touches, group.who)


def _joined(groups: dict[tuple[bytes, int], Judged]) -> dict[tuple[bytes, int], Judged]:
    """Groups under the listener whose window the same playback is in already (R31)."""
    playbacks = {
        bytes.fromhex(group.hit.playback_session)
        for group in groups.values()
        if group.hit.playback_session
    }
    columns = ["playback_session", "episode_id", "listener"]
    held = {
        (bytes(playback), episode): bytes(listener)
        for playback, episode, listener in select_in(Window, columns, "playback_session", playbacks)
    }
    joined: dict[tuple[bytes, int], Judged] = {}
    for (listener, episode), group in groups.items():
        playback = bytes.fromhex(group.hit.playback_session)
        key = (held.get((playback, episode), listener), episode)
        if key in joined:
            joined[key].touches = sorted([*joined[key].touches, *group.touches])
        else:
            joined[key] = group
    return joined


def _load(windows: Windows, column: str, keys: Iterable[bytes]) -> None:
    for row in select_in(Window, _WINDOW_COLUMNS, column, keys):
        values = list(row)
        values[4] = day_number(values[4])
        windows.add(window_of_row(tuple(values)))


def _load_following(windows: Windows) -> None:
    """Load the windows of later days that go on with a session of one that changes."""
    newest = max((window.day for window in windows.by_key.values()), default=0)
    last = Counter.objects.values_list("last_hit_at", flat=True).get(pk=1)
    if last is not None:
        newest = max(newest, int(last.timestamp() * 1_000) // DAY_MS)
    asked: set[bytes] = set()
    while True:
        keys = {
            window.listener
            for window in windows.by_key.values()
            if window.is_changed or window.listener in asked
            if window.day < newest
        }
        keys |= {one.listener for one in windows.by_previous.values() if one.day < newest}
        if keys <= asked:
            return
        new, asked = keys - asked, asked | keys
        _load(windows, "previous_listener", new)


def _complete(
    episodes: dict[int, EpisodeFacts],
    figures: dict[int, Figures],
    windows: Sequence[DayWindow],
    *,
    now: datetime,
) -> None:
    """Facts on what only the windows of earlier batches name."""
    unknown = {window.episode_id for window in windows} - episodes.keys()
    if unknown:
        episodes.update(_episode_facts(unknown))
    assets = {touch.asset for window in windows for touch in window.touches}
    for window in windows:
        if window.carried is not None:
            assets |= window.carried.delivered.keys() | window.carried.requested.keys()
    missing = assets - figures.keys() - {0}
    if missing:
        figures.update(_figures(missing, now=now))


def _write(results: Results, method: Method, *, now: datetime) -> None:
    """Write rows and sums; demands the transaction of the position."""
    _write_windows(results)
    sums = Sums(results.episodes)
    for found in _take_back(results.removed):
        sums.take(found, -1)
    for found in results.added:
        sums.take(found, 1)
    _insert_downloads(results.added, method)
    _add_sums(sums, results, now=now)
    add_funnel(results.funnel.items())
    _recount_totals(sums, results)
    _add_listeners(results)
    enter_due(now=now)


def _write_windows(results: Results) -> None:
    rows = []
    for window, outcome in results.rows:
        touches, who, carried, counted = window.packed(outcome)
        rows.append(
            (
                window.listener,
                window.episode_id,
                touches,
                who,
                carried,
                counted,
                window.is_burst,
                window.previous,
                window.playback,
                _day_value(window.day),
            )
        )
    upsert_rows(
        Window,
        rows,
        key=["listener", "episode_id"],
        replaced=["touches", "who", "carried", "counted", "is_burst"],
        kept=["previous_listener", "playback_session", "day"],
    )


def _take_back(removed: Sequence[tuple[int, int]]) -> list[Found]:
    """Delete the rows of downloads that are none any more; returns what they held."""
    if not removed:
        return []
    wanted = set(removed)
    rows = Download.objects.filter(started_at__in={_moment(start) for start, _ in removed})
    found = [row for row in rows if (_milliseconds(row.started_at), row.fingerprint) in wanted]
    Download.objects.filter(pk__in=[row.pk for row in found]).delete()
    return [found_of_row(row) for row in found]


def found_of_row(row: Download) -> Found:
    """The download that a row tells of."""
    return Found(
        _milliseconds(row.started_at),
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


def _insert_downloads(added: Iterable[Found], method: Method) -> None:
    adapt = connection.ops.adapt_datetimefield_value
    insert_rows(
        Download,
        ["started_at", *Found._fields[1:], "rules_version"],
        [(adapt(_moment(one[0])), *one[1:], method.rules_version) for one in added],
    )


def _add_sums(sums: Sums, results: Results, *, now: datetime) -> None:
    adapt = connection.ops.adapt_datetimefield_value
    of_show = {show: account for account, show in sums.accounts.values()}
    upsert_rows(
        EpisodeDay,
        [
            (episode, _day_value(day), *pair, sums.accounts[episode][1], sums.accounts[episode][0])
            for (episode, day), pair in sorted(sums.episode_days.items())
        ],
        key=["episode_id", "day"],
        added=["downloads", "delivered"],
        kept=["show_id", "account_id"],
    )
    upsert_rows(
        ShowDay,
        [
            (show, _day_value(day), *pair, of_show[show])
            for (show, day), pair in sorted(sums.show_days.items())
        ],
        key=["show_id", "day"],
        added=["downloads", "delivered"],
        kept=["account_id"],
    )
    upsert_rows(
        EpisodeDayApp,
        [(e, _day_value(d), app, n) for (e, d, app), n in sorted(sums.episode_apps.items())],
        key=["episode_id", "day", "app_id"],
        added=["downloads"],
    )
    upsert_rows(
        AccountDayApp,
        [(a, _day_value(d), app, n) for (a, d, app), n in sorted(sums.account_apps.items())],
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
    """Add amounts by (episode, day number, step); demands a transaction."""
    upsert_rows(
        FunnelDay,
        [(e, _day_value(day), step, n) for (e, day, step), n in sorted(steps) if n],
        key=["episode_id", "day", "step"],
        added=["amount"],
    )


def _recount_totals(sums: Sums, results: Results) -> None:
    """Add to the totals; a show date that changed since has its first days counted anew (R52)."""
    adapt = connection.ops.adapt_datetimefield_value
    held = dict(
        EpisodeTotal.objects.filter(pk__in=list(sums.totals)).values_list("pk", "published_at")
    )
    rows = []
    for episode, amounts in sorted(sums.totals.items()):
        account, show = sums.accounts[episode]
        facts = results.episodes.get(episode)
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
    for episode, before in held.items():
        facts = results.episodes.get(episode)
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


def _add_listeners(results: Results) -> None:
    lost = results.lost
    wanted = {key: hashes for key, hashes in results.listeners.items() if key[:3] not in lost}
    held = _held_sets(wanted)
    rows = []
    for key, hashes in sorted(wanted.items()):
        members = held.get(key) or ListenerHashes()
        members.add(hashes)
        rows.append(_set_row(key, members))
    _write_sets(rows)
    if lost:
        _remake_sets(lost)


def _held_sets(
    keys: Iterable[tuple[int, int, int, int]],
) -> dict[tuple[int, int, int, int], ListenerHashes]:
    wanted = set(keys)
    accounts = {key[0] for key in wanted}
    days = {_day_of(key[1]) for key in wanted}
    rows = ListenerSet.objects.filter(account_id__in=accounts, day__in=days).values_list(
        "account_id", "day", "app_id", "period", "members", "is_sketch"
    )
    return {
        (account, day_number(day), app, period): ListenerHashes(bytes(members), is_sketch=sketch)
        for account, day, app, period, members, sketch in rows
        if (account, day_number(day), app, period) in wanted
    }


def _remake_sets(lost: set[tuple[int, int, int]]) -> None:
    """Make sets anew from the windows: a set cannot forget one of its members (R56)."""
    days = {_day_of(day) for _account, day, _app in lost}
    days |= {day + timedelta(days=1) for day in days}
    sets: dict[tuple[int, int, int, int], set[int]] = {}
    rows = Window.objects.filter(day__in=days).values_list(*_WINDOW_COLUMNS)
    windows = []
    for row in rows.iterator(chunk_size=5_000):
        values = list(row)
        values[4] = day_number(values[4])
        windows.append(window_of_row(tuple(values)))
    episodes = _episode_facts({window.episode_id for window in windows})
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
        ListenerSet.objects.filter(account_id=account, day=_day_of(day), app_id=app).delete()
    made = []
    for key, hashes in sorted(sets.items()):
        members = ListenerHashes()
        members.add(hashes)
        made.append(_set_row(key, members))
    _write_sets(made)


def _set_row(key: tuple[int, int, int, int], members: ListenerHashes) -> tuple[object, ...]:
    account, day, app, period = key
    return (account, period, _day_value(day), app, members.packed(), members.is_sketch)


def _write_sets(rows: list[tuple[object, ...]]) -> None:
    upsert_rows(
        ListenerSet,
        rows,
        key=["account_id", "period", "day", "app_id"],
        replaced=["members", "is_sketch"],
    )


def _episode_facts(ids: Iterable[int]) -> dict[int, EpisodeFacts]:
    """What the counting needs of episodes; of deleted ones what it noted itself."""
    wanted = list(ids)
    facts: dict[int, EpisodeFacts] = {}
    columns = ("episode_id", "show_id", "account_id", "published_at")
    for row in select_in(EpisodeTotal, columns, "episode_id", wanted):
        facts[row[0]] = _facts(*row[1:])
    for start in range(0, len(wanted), 900):
        rows = Episode.objects.filter(pk__in=wanted[start : start + 900]).values_list(
            "pk", "show_id", "show__account_id", "published_at", "state"
        )
        for pk, show, account, published, state in rows:
            is_public = state == Publication.PUBLISHED
            if is_public or pk not in facts:
                facts[pk] = _facts(show, account, published if is_public else None)
    return facts


def _facts(show_id: int, account_id: int, published_at: object) -> EpisodeFacts:
    moment = _read_moment(published_at)
    return EpisodeFacts(show_id, account_id, _milliseconds(moment) if moment else None, moment)


def _figures(ids: Iterable[int], *, now: datetime) -> dict[int, Figures]:
    """What thresholds rest on; noted on first sight, since the audio may go before a recount."""
    wanted = set(ids)
    columns = ["asset_id", "bytes", "header_bytes", "duration_seconds"]
    found = {
        row[0]: Figures(*row[1:]) for row in select_in(AudioFigures, columns, "asset_id", wanted)
    }
    missing = list(wanted - found.keys())
    new = []
    for start in range(0, len(missing), 900):
        assets = AudioAsset.objects.filter(pk__in=missing[start : start + 900])
        for row in assets.values_list("pk", "bytes", "header_bytes", "duration_seconds"):
            found[row[0]] = Figures(*row[1:])
            new.append(
                AudioFigures(
                    asset_id=row[0],
                    bytes=row[1],
                    header_bytes=row[2],
                    duration_seconds=row[3],
                    noted_at=now,
                )
            )
    AudioFigures.objects.bulk_create(new, ignore_conflicts=True)
    return found


def _moment(milliseconds: int) -> datetime:
    seconds, rest = divmod(milliseconds, 1_000)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=rest)


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _read_moment(value: object) -> datetime | None:
    """A moment as a bare cursor gives it: SQLite has text or no zone."""
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=moment.tzinfo or UTC)


@lru_cache(maxsize=4_096)
def _day_of(number: int) -> date:
    return _EPOCH + timedelta(days=number)


@lru_cache(maxsize=4_096)
def _day_value(number: int) -> object:
    return connection.ops.adapt_datefield_value(_day_of(number))


def day_number(value: object) -> int:
    """Days since 1970-01-01 of a date, or of its ISO text."""
    day = value if isinstance(value, date) else date.fromisoformat(str(value))
    return (day - _EPOCH).days
