"""Hears of public changes that other machines made, and of those that a killed process did not tell.

One web process of a machine does it for all of them, since they share the stamps (core/changes.py).
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from core.changes import CHANNEL, tell_of_change
from shows.models import DeletedShow, Show

log = structlog.get_logger(__name__)

#: How old a change of another machine may be before this one knows of it, without the channel.
LOOK_EVERY_SECONDS = 0.5
#: How far each look goes back: longer than a transaction takes, and than clocks differ.
WINDOW = timedelta(seconds=60)


class Watcher:
    """Looks at what changed lately; what it has told once it does not tell again."""

    def __init__(self) -> None:
        self._known: dict[int, object] = {}
        self._listening_on: object = None

    def look(self, *, now: datetime) -> int:
        """Tell of every change since the last look; returns of how many. Raises `DatabaseError`."""
        since = now - WINDOW
        shows = Show.objects.changed_since(since).values_list("pk", "revision")
        gone = DeletedShow.objects.filter(deleted_at__gt=since).values_list("show_id", "deleted_at")
        seen: dict[int, object] = {**dict(shows), **dict(gone)}
        news = [show_id for show_id, state in seen.items() if self._known.get(show_id) != state]
        self._known = seen
        for show_id in news:
            tell_of_change(show_id)
        return len(news)

    def wait(self, seconds: float) -> None:
        """Wait for the next look, and tell of changes that PostgreSQL tells of meanwhile."""
        if connection.vendor != "postgresql":
            time.sleep(seconds)
            return
        for show_id in self._notifications(seconds):
            tell_of_change(show_id)

    def _notifications(self, seconds: float) -> Iterator[int]:
        connection.ensure_connection()
        # psycopg's own connection, which Django does not hide.
        driver = cast("Any", connection.connection)
        if self._listening_on is not driver:
            driver.execute(f"LISTEN {CHANNEL}")
            self._listening_on = driver
        for notice in driver.notifies(timeout=seconds):
            if notice.payload.isdigit():
                yield int(notice.payload)


def watch_in_background() -> threading.Thread:
    """Start the thread that watches, if this process turns out to be the machine's one."""
    thread = threading.Thread(
        target=_watch, args=(settings.DATA_DIR / "watcher.lock",), name="watcher", daemon=True
    )
    thread.start()
    return thread


def _watch(lock_path: Path, *, ended: Callable[[], bool] = lambda: False) -> None:
    """Wait until no other process watches, then watch until the end of this one."""
    try:
        descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        # Without DATA_DIR there are no stamps either, and nothing is kept.
        log.error("watcher_not_started", error=type(error).__name__)  # noqa: TRY400 - said
        return
    try:
        while not _locked(descriptor) and not ended():
            time.sleep(LOOK_EVERY_SECONDS)
        watcher, failing = Watcher(), False
        while not ended():
            try:
                watcher.look(now=timezone.now())
                watcher.wait(LOOK_EVERY_SECONDS)
                failing = False
            except Exception as error:  # noqa: BLE001 - a database or driver that fails comes back
                if not failing:
                    log.warning("watcher_without_database", error=type(error).__name__)
                failing = True
                _drop_connection()
                time.sleep(LOOK_EVERY_SECONDS)
    finally:
        _drop_connection()
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Take the lock if it is free; it is given back when this process ends, however it ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _drop_connection() -> None:
    try:
        connections.close_all()
    except DatabaseError:
        # It was broken already; the next use makes another one.
        connection.connection = None
