"""Counts events per key and time window in small files that all processes of a machine share."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.utils.crypto import salted_hmac


@dataclass(frozen=True, slots=True)
class Tally:
    """What a counted event came to: `is_over` when it was one too many and was not counted."""

    limit: int
    remaining: int
    resets_in: timedelta
    is_over: bool

    @property
    def resets_in_seconds(self) -> int:
        """Whole seconds after which the next window has surely begun."""
        return int(self.resets_in.total_seconds()) + 1


def count_event(folder: Path, *, key: bytes, limit: int, window: timedelta, now: datetime) -> Tally:
    """Count one event of `key` unless `limit` is reached in this window, and tell how it stands.

    A file holds one byte per event; its name is a keyed hash of `key` that no two windows share,
    so that files can neither be read back nor linked. Windows before the last one are deleted. On several
    machines each one counts for itself. Raises `OSError` when the folder cannot be written: the
    caller decides nothing then, the request fails.
    """
    number = int(now.timestamp() // window.total_seconds())
    current = folder / str(number)
    if not current.exists():
        current.mkdir(parents=True, exist_ok=True)
        _remove_older(folder, than=number - 1)
    name = salted_hmac(
        f"core.throttles.{folder.name}.{number}", key, algorithm="sha256"
    ).hexdigest()
    descriptor = os.open(current / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        used = os.fstat(descriptor).st_size
        if used < limit:
            os.write(descriptor, b".")
    finally:
        os.close(descriptor)
    return Tally(
        limit=limit,
        remaining=max(0, limit - used - 1),
        resets_in=timedelta(seconds=(number + 1) * window.total_seconds() - now.timestamp()),
        is_over=used >= limit,
    )


def _remove_older(folder: Path, *, than: int) -> None:
    # The window before this one stays: a request that began in it may still be writing.
    for old in folder.iterdir():
        if old.name.isdigit() and int(old.name) < than:
            shutil.rmtree(old, ignore_errors=True)
