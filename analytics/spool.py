"""The spool: every process appends its hits to a file of its own; full, old and orphaned ones are sealed."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from analytics.losses import count_loss, open_losses
from core.shared_words import SharedWords

log = structlog.get_logger(__name__)

OPEN_SUFFIX = ".open"
SEALED_SUFFIX = ".hits"
#: Bounds of one segment: what the counter takes at once, and how long a hit may wait for it.
SEAL_BYTES = 4_000_000
SEAL_SECONDS = 5.0
#: A power failure loses this much at most; the end of a process loses nothing.
SYNC_SECONDS = 0.1
_LOG_EVERY_SECONDS = 60.0


class Spool:
    """One process's end of the spool in `folder`. Made by the process that writes, never inherited.

    `lost` counts the hits that could not be written, here and for the whole machine (losses.py):
    `append` never raises and never waits for the disk, since no listener may notice how counting
    fares (contracts/analytics.md R60, R62).
    """

    def __init__(
        self, folder: Path, *, seal_bytes: int = SEAL_BYTES, seal_seconds: float = SEAL_SECONDS
    ) -> None:
        self.folder = folder
        self.lost = 0
        self._seal_bytes = seal_bytes
        self._seal_seconds = seal_seconds
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._path = folder
        self._size = 0
        self._opened_at = 0.0
        self._cut_off = False
        self._unsynced = False
        self._logged_at = -_LOG_EVERY_SECONDS
        self._closing = threading.Event()
        self._keeper: threading.Thread | None = None
        self._losses: SharedWords | None = None
        #: Called in the keeper's thread when a segment was sealed; must return at once.
        self.on_seal: Callable[[], None] | None = None

    def append(self, line: bytes) -> bool:
        """Append one complete line to the file; False, counted and logged, when it cannot be."""
        try:
            with self._lock:
                self._write(line)
        except OSError as error:
            self._note_loss(error)
            return False
        return True

    def close(self) -> None:
        """Make what was written durable and seal it."""
        self._closing.set()
        keeper = self._keeper
        if keeper is not None and keeper is not threading.current_thread():
            keeper.join(timeout=2.0)
        with contextlib.suppress(OSError):
            self._seal()
        if self._losses is not None:
            self._losses.close()
            self._losses = None

    def _write(self, line: bytes) -> None:
        if self._descriptor is None:
            self._open()
        assert self._descriptor is not None  # noqa: S101 - for the type checker
        # After a write that the disk cut short, a line end keeps the damage to that one line.
        data = b"\n" + line if self._cut_off else line
        written = os.write(self._descriptor, data)
        self._size += written
        self._unsynced = True
        self._cut_off = written < len(data)
        if self._cut_off:
            raise OSError("The disk took only a part of the line.")

    def _open(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._losses is None:
            # Now, while the disk still has room for it.
            self._losses = open_losses(self.folder)
        # Segment names sort by time; the random part keeps processes apart.
        path = self.folder / f"{time.time_ns() // 1_000_000:013d}-{secrets.token_hex(6)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        # Held for as long as this process lives: who gets it knows that the writer is dead. The
        # file gets the name that `seal_orphans` looks for only once the lock is held.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._path = path.rename(path.with_suffix(OPEN_SUFFIX))
        self._descriptor = descriptor
        self._size, self._opened_at, self._cut_off = 0, time.monotonic(), False
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="spool", daemon=True)
            self._keeper.start()

    def _keep(self) -> None:
        """Sync every SYNC_SECONDS what was written, and seal what is full or old; in its own thread."""
        while not self._closing.wait(SYNC_SECONDS):
            try:
                if self._is_due():
                    self._seal()
                    if self.on_seal is not None:
                        self.on_seal()
                elif self._unsynced:
                    self._sync()
            except OSError as error:
                log.warning("spool_not_synced", error=type(error).__name__, errno=error.errno)

    def _is_due(self) -> bool:
        if self._descriptor is None or self._size == 0:
            return False
        age = time.monotonic() - self._opened_at
        return self._size >= self._seal_bytes or age >= self._seal_seconds

    def _sync(self) -> None:
        # Only the keeper and `close` (after the keeper has ended) close a descriptor, so it stays
        # valid here without the lock, and no writer waits for the disk.
        self._unsynced = False
        if self._descriptor is not None:
            os.fdatasync(self._descriptor)

    def _seal(self) -> None:
        """Take the file out of use, make it durable and give it its final name."""
        with self._lock:
            descriptor, path = self._descriptor, self._path
            self._descriptor, self._unsynced = None, False
        if descriptor is None:
            return
        try:
            os.fdatasync(descriptor)
            _give_final_name(path)
        finally:
            os.close(descriptor)

    def _note_loss(self, error: OSError) -> None:
        self.lost += 1
        if self._losses is not None:
            count_loss(self._losses)
        now = time.monotonic()
        # A full disk meets thousands of hits a second: one line a minute says it as well.
        if now - self._logged_at >= _LOG_EVERY_SECONDS:
            self._logged_at = now
            log.error("hit_lost", lost=self.lost, error=type(error).__name__, errno=error.errno)


def seal_orphans(folder: Path) -> int:
    """Seal the files of writers that died; returns how many. Living writers are left alone."""
    sealed = 0
    for path in sorted(folder.glob(f"*{OPEN_SUFFIX}")):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.fdatasync(descriptor)
                _give_final_name(path)
                sealed += 1
            finally:
                os.close(descriptor)
    return sealed


def _give_final_name(path: Path) -> None:
    path.rename(path.with_suffix(SEALED_SUFFIX))
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


_held: dict[tuple[int, Path], Spool] = {}
_held_lock = threading.Lock()


def process_spool(folder: Path) -> Spool:
    """The spool of this process in `folder`; a forked child gets its own."""
    key = (os.getpid(), folder)
    spool = _held.get(key)
    if spool is None:
        with _held_lock:
            spool = _held.get(key)
            if spool is None:
                spool = _held[key] = Spool(folder)
                atexit.register(spool.close)
    return spool
