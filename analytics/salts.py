"""Counting salts: random, new each UTC day, two days old at most, shared by all processes of a machine."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

SALT_BYTES = 32
#: Tells back-up programs (borg, restic, tar --exclude-caches) to leave the folder out: a salt that
#: outlives its two days would make old keys guessable again.
_CACHE_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n"


@dataclass(frozen=True, slots=True)
class DaySalts:
    """The salt of `day` and that of the day before, None when nothing was counted then."""

    day: date
    current: bytes
    previous: bytes | None


class SaltStore:
    """The salts below one folder; each process keeps the two of the day in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._held: DaySalts | None = None

    def at(self, now: datetime) -> DaySalts:
        """The salts of the UTC day of `now`; makes and destroys files when the day is new.

        Raises `OSError` when the folder cannot be used.
        """
        day = now.astimezone(UTC).date()
        held = self._held
        if held is not None and held.day == day:
            return held
        with self._lock:
            if self._held is None or self._held.day != day:
                self._held = self._load(day)
                self.destroy_old(now=now)
            return self._held

    def destroy_old(self, *, now: datetime) -> int:
        """Destroy the salts from before yesterday; returns how many. Safe to call at any time."""
        oldest_kept = now.astimezone(UTC).date() - timedelta(days=1)
        destroyed = 0
        with contextlib.suppress(FileNotFoundError):
            for path in sorted(self.folder.iterdir()):
                day = _day_of(path)
                if day is not None and day < oldest_kept:
                    destroyed += _destroy(path)
        return destroyed

    def _load(self, day: date) -> DaySalts:
        current = _read(self._path(day)) or self._make(day)
        return DaySalts(
            day=day, current=current, previous=_read(self._path(day - timedelta(days=1)))
        )

    def _make(self, day: date) -> bytes:
        """Write a new salt; the first process to link its file wins, and all read that one."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tag = self.folder / "CACHEDIR.TAG"
        if not tag.exists():
            tag.write_text(_CACHE_TAG, encoding="ascii")
        draft = self.folder / f".{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(SALT_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            # A link, unlike a rename, fails when the name exists, and never shows half a file.
            with contextlib.suppress(FileExistsError):
                self._path(day).hardlink_to(draft)
        finally:
            draft.unlink()
        salt = _read(self._path(day))
        if salt is None:
            raise OSError(f"The salt of {day} is damaged.")
        return salt

    def _path(self, day: date) -> Path:
        return self.folder / day.isoformat()


def _read(path: Path) -> bytes | None:
    try:
        salt = path.read_bytes()
    except FileNotFoundError:
        return None
    return salt if len(salt) == SALT_BYTES else None


def _destroy(path: Path) -> bool:
    """Overwrite, then remove: not every file system forgets what it unlinks."""
    try:
        with path.open("r+b") as file:
            file.write(bytes(SALT_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        # Another process was faster.
        return False
    return True


def _day_of(path: Path) -> date | None:
    try:
        return date.fromisoformat(path.name)
    except ValueError:
        return None
