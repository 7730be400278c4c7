"""A few 64-bit numbers that all processes of one machine see at once, in a file that each of them maps."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import threading
from pathlib import Path

_WORD = 8


class SharedWords:
    """`count` words in the file at `path`, zero when it is new; reading one takes a tenth of a µs.

    The file gets its whole size at once, so that a full disk cannot fail a later write. Raises
    `OSError` when it cannot be made.
    """

    def __init__(self, path: Path, count: int) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()
        try:
            self._grow(count * _WORD)
            self._map = mmap.mmap(self._descriptor, count * _WORD)
        except OSError:
            os.close(self._descriptor)
            raise
        #: A store to one word is one instruction, so no reader ever sees half of it.
        self.words = memoryview(self._map).cast("Q")

    def add(self, index: int, amount: int) -> int:
        """Add to a word and return the sum; no other process's `add` is lost."""
        with self._lock:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
            try:
                total = self.words[index] = self.words[index] + amount
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
        return total

    def close(self) -> None:
        """Give the map and the file back; the words of other processes stay."""
        self.words.release()
        self._map.close()
        os.close(self._descriptor)

    def _grow(self, size: int) -> None:
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        try:
            missing = size - os.fstat(self._descriptor).st_size
            if missing > 0:
                # Zeros that are really written: a hole would need the disk at a moment of its own.
                written = os.pwrite(self._descriptor, bytes(missing), size - missing)
                if written < missing:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
