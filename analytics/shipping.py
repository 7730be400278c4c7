"""Brings sealed segments of this machine to the store that all machines share, once each."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

import structlog
from django.core.files.storage import FileSystemStorage, default_storage

from analytics.segments import StoredHits
from analytics.spool import SEALED_SUFFIX, seal_orphans

log = structlog.get_logger(__name__)

SHIP_SECONDS = 5.0
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


class Shipper:
    """Ships again and again in a thread of its own, so that no listener waits for the store."""

    def __init__(self, folder: Path, *, store: Callable[[], StoredHits]) -> None:
        self._folder = folder
        self._store = store
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shipping", daemon=True)

    def start(self) -> None:
        """Begin; call it once."""
        self._thread.start()

    def close(self) -> None:
        """End after the segment that is on its way."""
        self._closing.set()
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while not self._closing.wait(SHIP_SECONDS):
            try:
                ship_sealed(self._folder, self._store())
            except Exception as error:  # noqa: BLE001 - any store, any failure: the segments wait
                log.warning("segments_not_shipped", error=type(error).__name__)


def shared_store() -> StoredHits | None:
    """The store that machines share, None where this machine is the only one."""
    if isinstance(default_storage, FileSystemStorage):
        return None
    return StoredHits(default_storage)
