"""Salts of counting and of audiences: random, short-lived, shared by all processes and machines."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog
from django.core.cache import cache

log = structlog.get_logger(__name__)

SALT_BYTES = 32
#: Any span of so many days touches two periods at most (contracts/analytics.md section 7).
AUDIENCE_DAYS = 32
_AUDIENCE = "audience-"
_DAY_SECONDS = 86_400
#: Tells back-up programs (borg, restic, tar --exclude-caches) to leave the folder out: a salt that
#: outlives its two days would make old keys guessable again.
_CACHE_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n"


@dataclass(frozen=True, slots=True)
class DaySalts:
    """The salts of `day` and those before them, None when nothing was counted then."""

    day: date
    current: bytes
    previous: bytes | None
    audience_period: int
    audience: bytes
    previous_audience: bytes | None


class SharedSalts(Protocol):
    """Where machines agree on salts; what it keeps has to end by itself."""

    def agree(self, name: str, candidate: bytes, *, seconds: int) -> bytes:
        """The salt that all machines use: `candidate` for the first to ask."""

    def look(self, name: str) -> bytes | None:
        """The salt that was agreed on, None when there is none."""


class CachedSalts:
    """Agrees in the cache that the machines share (Redis); falls back to the machine's own salts."""

    def agree(self, name: str, candidate: bytes, *, seconds: int) -> bytes:
        """As the Protocol; a cache that is down leaves the candidate."""

        def ask() -> bytes | None:
            cache.add(f"salt:{name}", candidate, timeout=seconds)
            return self._held(name)

        return self._try(ask) or candidate

    def look(self, name: str) -> bytes | None:
        """As the Protocol; a cache that is down knows none."""
        return self._try(lambda: self._held(name))

    def _held(self, name: str) -> bytes | None:
        salt = cache.get(f"salt:{name}")
        return salt if isinstance(salt, bytes) and len(salt) == SALT_BYTES else None

    def _try(self, ask: Callable[[], bytes | None]) -> bytes | None:
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - any cache, any failure: counting goes on
            log.warning("salt_not_shared", error=type(error).__name__)
            return None


class SaltStore:
    """The salts below one folder; each process keeps those of the day in memory."""

    def __init__(self, folder: Path, *, shared: SharedSalts | None = None) -> None:
        self.folder = folder
        self._shared = shared
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
        """Destroy the salts whose time is over; returns how many. Safe to call at any time."""
        day = now.astimezone(UTC).date()
        oldest_day, oldest_period = day - timedelta(days=1), audience_period(day) - 1
        destroyed = 0
        with contextlib.suppress(FileNotFoundError):
            for path in sorted(self.folder.iterdir()):
                made_on, period = _day_of(path), _period_of(path)
                if (made_on is not None and made_on < oldest_day) or (
                    period is not None and period < oldest_period
                ):
                    destroyed += _destroy(path)
        return destroyed

    def _load(self, day: date) -> DaySalts:
        period = audience_period(day)
        return DaySalts(
            day=day,
            current=self._current(day.isoformat(), days=2),
            previous=self._previous((day - timedelta(days=1)).isoformat()),
            audience_period=period,
            audience=self._current(f"{_AUDIENCE}{period}", days=2 * AUDIENCE_DAYS),
            previous_audience=self._previous(f"{_AUDIENCE}{period - 1}"),
        )

    def _current(self, name: str, *, days: int) -> bytes:
        path = self.folder / name
        salt = _read(path) or self._make(path)
        if self._shared is None:
            return salt
        agreed = self._shared.agree(name, salt, seconds=days * _DAY_SECONDS)
        if agreed != salt:
            _replace(path, agreed)
        return agreed

    def _previous(self, name: str) -> bytes | None:
        return (self._shared and self._shared.look(name)) or _read(self.folder / name)

    def _make(self, path: Path) -> bytes:
        """Write a new salt; the first process to link its file wins, and all read that one."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tag = self.folder / "CACHEDIR.TAG"
        if not tag.exists():
            tag.write_text(_CACHE_TAG, encoding="ascii")
        draft = _draft(path, secrets.token_bytes(SALT_BYTES))
        try:
            # A link, unlike a rename, fails when the name exists, and never shows half a file.
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
        finally:
            draft.unlink()
        salt = _read(path)
        if salt is None:
            raise OSError(f"The salt {path.name} is damaged.")
        return salt


def audience_period(day: date) -> int:
    """The number of the 32-day period that `day` lies in, counted from 1970-01-01."""
    return (day - date(1970, 1, 1)).days // AUDIENCE_DAYS


def _draft(path: Path, salt: bytes) -> Path:
    draft = path.parent / f".{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, salt)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return draft


def _replace(path: Path, salt: bytes) -> None:
    _draft(path, salt).replace(path)


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


def _period_of(path: Path) -> int | None:
    number = path.name.removeprefix(_AUDIENCE)
    return int(number) if path.name.startswith(_AUDIENCE) and number.isdigit() else None
