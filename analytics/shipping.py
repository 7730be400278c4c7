"""Brings sealed segments of this machine to the store that all machines share, once each."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

import structlog
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connections

from analytics.open_segments import SEALED_SUFFIX
from analytics.segments import StoredHits
from analytics.spool import seal_orphans
from core.queue import enqueue

log = structlog.get_logger(__name__)

LOOK_AGAIN_SECONDS = 30.0
_LOCK = "shipping.lock"


def ship_sealed(folder: Path, store: StoredHits) -> int:
    """Ship all sealed segments below `folder`; returns how many. One process of a machine at a time.

    A segment is removed here when it is there. Killed in between, it is shipped again under its
    name, which the counter knows.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        seal_orphans(folder)
        shipped = 0
        for path in sorted(folder.glob(f"*{SEALED_SUFFIX}")):
            store.ship(path.name, path.read_bytes())
            path.unlink()
            shipped += 1
        return shipped
    finally:
        os.close(descriptor)


class Forwarder:
    """Sends segments on when they are sealed, in a thread of its own: no listener waits for it.

    Where machines share a store they are shipped; the counter's bell is rung either way.
    """

    def __init__(
        self,
        folder: Path,
        *,
        store: Callable[[], StoredHits | None],
        ring: Callable[[], None],
    ) -> None:
        self._folder = folder
        self._store = store
        self._ring = ring
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """A segment was sealed. Returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="forwarding", daemon=True)
            self._thread.start()
        self._woken.set()

    def close(self) -> None:
        """End after what is on its way."""
        self._closing.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while not self._closing.is_set():
            # Also without a new segment: the store may have been down, or a process died.
            is_news = self._woken.wait(timeout=LOOK_AGAIN_SECONDS)
            self._woken.clear()
            try:
                store = self._store()
                if (store is not None and ship_sealed(self._folder, store)) or is_news:
                    self._ring()
            except Exception as error:  # noqa: BLE001 - any store, any failure: the segments wait
                log.warning("segments_not_forwarded", error=type(error).__name__)


def shared_store() -> StoredHits | None:
    """The store that machines share, None where this machine is the only one."""
    if isinstance(default_storage, FileSystemStorage):
        return None
    return StoredHits(default_storage)


def ring_counter() -> None:
    """Wake a worker; the connection that the look for a transaction opened is given back."""
    try:
        enqueue("analytics.count")
    finally:
        connections.close_all()


_held: dict[tuple[int, Path], Forwarder] = {}


def process_forwarder(folder: Path) -> Forwarder:
    """This process's forwarder of the spool in `folder`."""
    key = (os.getpid(), folder)
    return _held.setdefault(key, Forwarder(folder, store=shared_store, ring=ring_counter))
