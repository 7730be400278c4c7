"""The counter: takes pieces of the hit stream, and writes all that follows from them in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import F, Q

from analytics.batches import Judge, Judged, Piece, Verdicts
from analytics.bulk import select_in
from analytics.eligibility import EpisodeFacts
from analytics.facts import episode_facts, figures_of
from analytics.methods import DAY_MS, Method
from analytics.models import (
    BadLine,
    Counter,
    LogPosition,
    Segment,
    Window,
)
from analytics.moments import day_number, moment_of
from analytics.naming import Namer, naming_in_force
from analytics.results import Results, compare
from analytics.sessions import Figures
from analytics.windows import WINDOW_COLUMNS, DayWindow, Windows, window_of_row
from analytics.writing import write_results

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)


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

        All reading comes before the transaction, so that others can write meanwhile; the position,
        which only moves with the results, tells whether what was read still holds. Reckoning goes
        on while PostgreSQL stores what is worked out already.
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
            write_results(results, self.method, now=now)
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
        self._episodes = episode_facts({hit.episode_id for hit in hits})
        self._figures = figures_of({hit.asset_id for hit in hits if hit.asset_id}, now=now)
        judge = Judge(
            method=self.method,
            agents=self._namer.verdicts({hit.user_agent for hit in hits}, now=now),
            web_apps=self._namer.web_apps({hit.referrer_host for hit in hits}, now=now),
            episodes=self._episodes,
            figures=self._figures,
            preloaders=self._namer.preloaders({hit.referrer_host for hit in hits}),
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
        if self.method.join_playback_sessions:
            playbacks = {_key(group.hit.previous_playback) for group in groups.values()}
            _load(windows, "playback_session", [key for key in playbacks if key])
        for key, group in groups.items():
            take_group(windows, key, group)
        _load_following(windows)
        changed = list(windows.settle())
        if windows.flagged:
            log.warning("listeners_with_many_episodes", listeners=windows.flagged)
        _complete(self._episodes, self._figures, changed, now=now)
        results = compare(
            changed, episodes=self._episodes, figures=self._figures, funnel=verdicts.funnel
        )
        results.agents = verdicts.agents
        if connection.vendor != "postgresql":
            # There a transaction keeps all other writers waiting, so it begins as late as it can.
            results.work_out()
        return results

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
                Q(last_hit_at__isnull=True) | Q(last_hit_at__lt=moment_of(verdicts.last_ms)), pk=1
            ).update(last_hit_at=moment_of(verdicts.last_ms))
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


def take_group(windows: Windows, key: tuple[bytes, int], group: Judged) -> None:
    """Give a group's touches to its windows, one for each UTC day that its keys were made on."""
    window = windows.by_key.get(key)
    if window is None:
        hit = group.hit
        previous = _key(hit.previous_listener)
        if hit.previous_playback and windows.method.join_playback_sessions:
            # The same playback from another address, on the other side of midnight (R31).
            before = windows.by_playback.get((bytes.fromhex(hit.previous_playback), key[1]))
            previous = before.listener if before is not None else previous
        window = DayWindow(
            listener=key[0],
            previous=previous,
            playback=_key(hit.playback_session),
            network=_key(hit.network),
            previous_network=_key(hit.previous_network),
            episode_id=key[1],
            day=group.touches[0].time_ms // DAY_MS,
            who=group.who,
            touches=[],
        )
        windows.add(window)
    window.take(group.touches, group.who)


def _key(text: str) -> bytes | None:
    return bytes.fromhex(text) if text else None


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
    for row in select_in(Window, WINDOW_COLUMNS, column, keys):
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
        episodes.update(episode_facts(unknown))
    assets = {touch.asset for window in windows for touch in window.touches}
    for window in windows:
        if window.carried is not None:
            assets |= window.carried.delivered.keys() | window.carried.requested.keys()
    missing = assets - figures.keys() - {0}
    if missing:
        figures.update(figures_of(missing, now=now))
