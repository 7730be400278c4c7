"""The spool: every process appends its hits to a file of its own; full, old and orphaned ones are sealed."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from analytics.losses import count_loss, open_losses
from analytics.open_segments import OPEN_SUFFIX, OpenSegment, open_segment, seal_file
from core.shared_words import SharedWords

log = structlog.get_logger(__name__)

#: Bounds of one segment: what the counter takes at once, and how long a hit may wait for it.
SEAL_BYTES = 4_000_000
SEAL_SECONDS = 5.0
#: Room is taken from the disk in advance: this for a process with few hits, twice as much each time
#: that it became full.
LEAST_BYTES = 65_536
#: A power failure loses this much at most; the end of a process loses nothing.
SYNC_SECONDS = 0.1
#: How long a disk without room is not asked again.
REFUSED_SECONDS = 0.5
_LOG_EVERY_SECONDS = 60.0
_UNNAMED_SECONDS = 60.0


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
        self._most_bytes = seal_bytes
        self._seal_seconds = seal_seconds
        self._bytes = min(LEAST_BYTES, seal_bytes)
        self._lock = threading.Lock()
        #: Held by whoever syncs or seals: what is sealed is closed.
        self._ending = threading.Lock()
        self._segment: OpenSegment | None = None
        #: Appends to the present segment, by its own method: nothing else stands in a hit's way.
        self._put: Callable[[bytes], object] = _refuse
        self._full: list[OpenSegment] = []
        self._refusal = 0
        self._refused_until = 0.0
        self._logged_at = -_LOG_EVERY_SECONDS
        self._closing = threading.Event()
        self._keeper: threading.Thread | None = None
        self._losses: SharedWords | None = None
        #: Called in the keeper's thread when a segment was sealed; must return at once.
        self.on_seal: Callable[[], None] | None = None

    def append(self, line: bytes) -> bool:
        """Append one complete line, without a zero byte; False, counted and logged, when it cannot be."""
        try:
            self._put(line)
        except ValueError:
            return self._append_anew(line)
        except OSError as error:
            self._note_loss(error)
            return False
        return True

    def seal(self) -> None:
        """Seal what was appended so far."""
        with self._lock:
            self._retire()
        self._seal_full()

    def close(self) -> None:
        """Make what was appended durable and seal it."""
        self._closing.set()
        keeper = self._keeper
        if keeper is not None and keeper is not threading.current_thread():
            keeper.join(timeout=2.0)
        with contextlib.suppress(OSError):
            self.seal()
        if self._losses is not None:
            self._losses.close()
            self._losses = None

    def _append_anew(self, line: bytes) -> bool:
        """Append to a segment that has room: the present one if another thread just began it."""
        try:
            with self._lock:
                try:
                    self._put(line)
                except ValueError:
                    if self._segment is not None:
                        self._bytes = min(2 * self._bytes, self._most_bytes)
                    self._retire()
                    self._begin(line)
        except OSError as error:
            self._note_loss(error)
            return False
        return True

    def _begin(self, line: bytes) -> None:
        """Begin a segment with `line`, which is in it before other threads can fill it."""
        if time.monotonic() < self._refused_until:
            raise OSError(self._refusal, os.strerror(self._refusal))
        try:
            if self._losses is None:
                # Now, while the disk still has room for it.
                self._losses = open_losses(self.folder)
            self._segment = segment = self._opened(len(line))
        except OSError as error:
            self._refusal = error.errno or 0
            self._refused_until = time.monotonic() + REFUSED_SECONDS
            raise
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="spool", daemon=True)
            self._keeper.start()
        try:
            segment.put(line)
        finally:
            self._put = segment.put

    def _opened(self, least: int) -> OpenSegment:
        try:
            return open_segment(self.folder, max(self._bytes, least))
        except OSError:
            if self._bytes <= LEAST_BYTES:
                raise
            # Little may be left, and will do for a while.
            self._bytes = LEAST_BYTES
            return open_segment(self.folder, max(self._bytes, least))

    def _retire(self) -> None:
        """Take the present segment out of use; a late thread may still append until it is sealed."""
        if self._segment is not None:
            self._full.append(self._segment)
        self._segment, self._put = None, _refuse

    def _keep(self) -> None:
        """Sync every SYNC_SECONDS what was appended, and seal what is full or old; in its own thread."""
        while not self._closing.wait(SYNC_SECONDS):
            try:
                self._retire_old()
                if self._seal_full() and self.on_seal is not None:
                    self.on_seal()
                self._sync()
            except OSError as error:
                log.warning("spool_not_synced", error=type(error).__name__, errno=error.errno)

    def _sync(self) -> None:
        with self._ending:
            # Looked at once: a thread that appends may take it out of use meanwhile.
            segment = self._segment
            if segment is not None:
                segment.sync()

    def _retire_old(self) -> None:
        segment = self._segment
        if segment is None or time.monotonic() - segment.opened_at < self._seal_seconds:
            return
        with self._lock:
            if self._segment is segment:
                self._retire()
                self._bytes = max(self._bytes // 2, min(LEAST_BYTES, self._most_bytes))

    def _seal_full(self) -> int:
        sealed = 0
        with self._ending:
            while (segment := self._next_full()) is not None:
                segment.seal()
                sealed += 1
        return sealed

    def _next_full(self) -> OpenSegment | None:
        with self._lock:
            return self._full.pop(0) if self._full else None

    def _note_loss(self, error: OSError) -> None:
        self.lost += 1
        if self._losses is not None:
            count_loss(self._losses)
        now = time.monotonic()
        # A full disk meets thousands of hits a second: one line a minute says it as well.
        if now - self._logged_at >= _LOG_EVERY_SECONDS:
            self._logged_at = now
            log.error("hit_lost", lost=self.lost, error=type(error).__name__, errno=error.errno)


def _refuse(line: bytes) -> None:
    """Where no segment is: the place of its `put`."""
    raise ValueError(len(line))


def seal_orphans(folder: Path) -> int:
    """Seal the files of writers that died; returns how many. Living writers are left alone."""
    sealed = 0
    for path in sorted(folder.glob(f"*{OPEN_SUFFIX}")):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                sealed += seal_file(path, descriptor)
            finally:
                os.close(descriptor)
    _remove_unnamed(folder)
    return sealed


def _remove_unnamed(folder: Path) -> None:
    """Remove the empty files of processes that died just before they gave them their first name."""
    for path in folder.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if not path.suffix and time.time() - path.stat().st_mtime > _UNNAMED_SECONDS:
                path.unlink()


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
