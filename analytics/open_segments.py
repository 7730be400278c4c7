"""One file of the spool while it grows: a shared map of it where that is safe, plain writes elsewhere.

A hit that is copied into a map outlives its process as one that was written does, since the pages
are the kernel's; but no call releases the interpreter, which costs several times the write itself
where many threads answer.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import secrets
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import Protocol

OPEN_SUFFIX = ".open"
SEALED_SUFFIX = ".hits"
#: Of file systems that keep allocated room for good. Others (btrfs, ZFS, NFS, a container's layers)
#: may need more of it when a page is written again; a full disk would then kill the process (SIGBUS).
_FIRM = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs"})
_REFUSALS = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ENODEV})


class OpenSegment(Protocol):
    """A file under construction; one thread at a time calls `sync` and `seal`."""

    #: Bytes that it has room for.
    size: int
    #: `time.monotonic()`.
    opened_at: float

    def put(self, line: bytes, /) -> object:
        """Append a line of any thread's. `ValueError` when it has no room or is sealed; `OSError`."""

    def sync(self) -> None:
        """Make durable what is there. Raises `OSError`."""

    def seal(self) -> None:
        """Take no more, and hand over to the counter. Raises `OSError`; the sweep then does it."""


class MappedSegment:
    """Room is allocated before the first hit, so no hit can meet a full disk.

    Lines follow each other without a gap, since `put` is one call of C that copies and moves on
    before another thread may run. They hold no zero byte, and what is not used yet is zero: so the
    first zero ends what is complete, also when a process is killed within the copy.
    """

    def __init__(self, file: SpoolFile, size: int) -> None:
        os.posix_fallocate(file.descriptor, 0, size)
        self._file = file
        self._map = mmap.mmap(file.descriptor, size)
        self._synced = 0
        self.size = size
        self.opened_at = time.monotonic()
        self.put = self._map.write

    def sync(self) -> None:
        """As the Protocol. A hit that comes meanwhile is synced again the next time."""
        position = self._map.tell()
        if position != self._synced:
            self._synced = position
            os.fdatasync(self._file.descriptor)

    def seal(self) -> None:
        """As the Protocol. From here on `put` raises: whoever is late finds the next segment."""
        self._map.close()
        self._file.seal()


class WrittenSegment:
    """One `os.write` a hit; a disk that is full meets it there."""

    def __init__(self, file: SpoolFile, size: int) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._used = self._synced = 0
        self._cut_off = self._sealed = False
        self.size = size
        self.opened_at = time.monotonic()

    def put(self, line: bytes, /) -> None:
        """As the Protocol."""
        with self._lock:
            if self._sealed or self._used + len(line) > self.size:
                raise ValueError("The segment takes no more.")
            # After a write that the disk cut short, a line end keeps the damage to that one line.
            data = b"\n" + line if self._cut_off else line
            written = os.write(self._file.descriptor, data)
            self._used += written
            self._cut_off = written < len(data)
            if self._cut_off:
                raise OSError(errno.ENOSPC, "The disk took only a part of the line.")

    def sync(self) -> None:
        """As the Protocol."""
        used = self._used
        if used != self._synced:
            self._synced = used
            os.fdatasync(self._file.descriptor)

    def seal(self) -> None:
        """As the Protocol."""
        with self._lock:
            self._sealed = True
        self._file.seal()


class SpoolFile:
    """An open file below `folder` that is locked for as long as this process lives.

    Who gets the lock knows that the writer is dead. Raises `OSError`.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Segment names sort by time; the random part keeps processes apart.
        path = folder / f"{time.time_ns() // 1_000_000:013d}-{secrets.token_hex(6)}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self.descriptor = os.open(path, flags, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Only now the name that `seal_orphans` looks for.
        self._path = path.rename(path.with_suffix(OPEN_SUFFIX))

    def seal(self) -> None:
        """Hand over to the counter."""
        try:
            seal_file(self._path, self.descriptor)
        finally:
            os.close(self.descriptor)

    def discard(self) -> None:
        """Remove it: nothing was put into it."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self.descriptor)


def open_segment(folder: Path, size: int) -> OpenSegment:
    """A new segment with room for `size` bytes, if the disk has it. Raises `OSError`."""
    file = SpoolFile(folder)
    try:
        if keeps_room(folder):
            try:
                return MappedSegment(file, size)
            except OSError as error:
                if error.errno not in _REFUSALS:
                    raise
        return WrittenSegment(file, size)
    except OSError:
        file.discard()
        raise


@lru_cache(maxsize=8)
def keeps_room(folder: Path) -> bool:
    """Whether what is allocated below `folder` can always be written; False where nobody knows."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return False
    for mount in mounts:
        # ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [MORE]... - TYPE SOURCE OPTIONS (proc(5))
        before, _, after = mount.decode("utf-8", "replace").partition(" - ")
        if before.split(" ", 3)[2] == number:
            return after.split(" ", 1)[0] in _FIRM
    return False


def complete_part(content: bytes) -> bytes:
    """The whole lines at the beginning of a segment, without room that is not used (yet)."""
    end = content.find(b"\0")
    return content[: content.rfind(b"\n", 0, len(content) if end < 0 else end) + 1]


def seal_file(path: Path, descriptor: int) -> bool:
    """Cut the file to its complete part, make it durable and name it as sealed; False if it was empty."""
    size = os.fstat(descriptor).st_size
    used = len(complete_part(os.pread(descriptor, size, 0)))
    if used == 0:
        path.unlink()
        return False
    if used != size:
        os.ftruncate(descriptor, used)
    os.fdatasync(descriptor)
    path.rename(path.with_suffix(SEALED_SUFFIX))
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
