"""Feeds the counter: takes sealed segments in order, keeps them in the archive, counts, removes them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from analytics.batches import Piece, read_piece
from analytics.counting import (
    BatchCounter,
    Counted,
    CounterMoved,
    leased_counter,
    note_counted_up_to,
)
from analytics.methods import method_in_force
from analytics.segments import HitStore, archive_name, archived, day_of_segment, hit_store

log = structlog.get_logger(__name__)

#: What one transaction takes: enough to be fast, little enough for memory and for other writers.
BATCH_BYTES = 4_000_000
BATCH_SEGMENTS = 64

Clock = Callable[[], datetime]


def count_waiting(*, clock: Clock) -> int:
    """Count all segments that wait; returns how many hits that were. Safe to call at any time.

    Does nothing while another worker holds the counter.
    """
    hits = 0
    with leased_counter(now=clock()) as is_ours:
        if not is_ours:
            return 0
        store = hit_store()
        counter = BatchCounter(method_in_force())
        for names in _batches(store):
            try:
                hits += count_segments(counter, store, names, now=clock()).hits
            except CounterMoved:
                log.warning("counter_moved")
                break
        else:
            note_counted_up_to(now=clock())
    return hits


def count_segments(
    counter: BatchCounter, store: HitStore, names: list[tuple[str, bytes]], *, now: datetime
) -> Counted:
    """Count some segments, which are in the archive before they count and gone afterwards."""
    with _cycles_left_alone():
        counted = _count(counter, store, names, now=now)
    for name, _content in names:
        store.remove(name)
    if counted.bad_lines:
        log.error("hit_lines_put_aside", lines=counted.bad_lines)
    return counted


def _count(
    counter: BatchCounter, store: HitStore, names: list[tuple[str, bytes]], *, now: datetime
) -> Counted:
    pieces = [read_piece(name, content) for name, content in names]
    contents = dict(names)

    def keep(fresh: list[Piece], reasons: dict[str, str]) -> None:
        for piece in fresh:
            day = day_of_segment(piece.name, now=now)
            kept = archived(piece.name, contents[piece.name], reasons)
            store.keep(day, archive_name(piece.name), kept)

    return counter.count(pieces, now=now, before_commit=keep)


@contextmanager
def _cycles_left_alone() -> Iterator[None]:
    """Keep the search for cyclic garbage from the batch, which has none and many small objects.

    All of it is freed by its reference counts when the batch ends, and a batch is bounded; without
    this a third of the time goes into walking objects that are all in use.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _batches(store: HitStore) -> Iterator[list[tuple[str, bytes]]]:
    """Waiting segments in order, so many at a time as one transaction takes."""
    batch: list[tuple[str, bytes]] = []
    size = 0
    for name in store.waiting():
        try:
            content = store.read(name)
        except FileNotFoundError:
            continue
        batch.append((name, content))
        size += len(content)
        if size >= BATCH_BYTES or len(batch) >= BATCH_SEGMENTS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
