"""Where sealed segments wait to be counted, and where counted ones are kept for a recount."""

from __future__ import annotations

import contextlib
import gzip
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, default_storage

from analytics.open_segments import SEALED_SUFFIX

_ARCHIVED = ".gz"
#: Speed counts more than size here: a day's file is packed anew in the night.
_FAST = 1
_HEAD = b"#"
INCOMING, ARCHIVE = "hits/incoming", "hits/counted"


class HitStore(Protocol):
    """Sealed segments on their way, and the archive of counted ones; names are without folder."""

    def waiting(self) -> list[str]:
        """Names of segments that are not removed yet, oldest first."""

    def read(self, name: str) -> bytes:
        """The content of a waiting segment. Raises `FileNotFoundError`."""

    def remove(self, name: str) -> None:
        """Remove a waiting segment; a second call finds nothing to do."""

    def keep(self, day: date, name: str, content: bytes) -> None:
        """Put an archive file into the folder of `day`, over one of the same name."""

    def kept(self) -> dict[date, list[str]]:
        """Names of archive files by day."""

    def read_kept(self, day: date, name: str) -> bytes:
        """One archive file."""

    def drop(self, day: date, name: str) -> None:
        """Remove one archive file."""


class LocalHits:
    """Both on this machine's disk."""

    def __init__(self, data_dir: Path) -> None:
        self._spool = data_dir / "spool"
        self._archive = data_dir / "hits"

    def waiting(self) -> list[str]:
        """As the Protocol."""
        return sorted(path.name for path in self._spool.glob(f"*{SEALED_SUFFIX}"))

    def read(self, name: str) -> bytes:
        """As the Protocol."""
        return (self._spool / name).read_bytes()

    def remove(self, name: str) -> None:
        """As the Protocol."""
        (self._spool / name).unlink(missing_ok=True)

    def keep(self, day: date, name: str, content: bytes) -> None:
        """As the Protocol; durable when it returns."""
        folder = self._archive / day.isoformat()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{name}"
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / name)

    def kept(self) -> dict[date, list[str]]:
        """As the Protocol."""
        with contextlib.suppress(FileNotFoundError):
            return {
                day: sorted(path.name for path in folder.glob(f"[!.]*{_ARCHIVED}"))
                for folder in sorted(self._archive.iterdir())
                if (day := _day(folder.name)) is not None
            }
        return {}

    def read_kept(self, day: date, name: str) -> bytes:
        """As the Protocol."""
        return (self._archive / day.isoformat() / name).read_bytes()

    def drop(self, day: date, name: str) -> None:
        """As the Protocol; the folder of a day goes with its last file."""
        folder = self._archive / day.isoformat()
        (folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()


class StoredHits:
    """Both in the object store that several machines share."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def waiting(self) -> list[str]:
        """As the Protocol."""
        return sorted(
            name for name in self._list(INCOMING, files=True) if name.endswith(SEALED_SUFFIX)
        )

    def read(self, name: str) -> bytes:
        """As the Protocol."""
        return self._read(f"{INCOMING}/{name}")

    def ship(self, name: str, content: bytes) -> None:
        """Bring a segment of this machine to all; once there, it is not written again."""
        key = f"{INCOMING}/{name}"
        if not self._storage.exists(key):
            self._storage.save(key, ContentFile(content))

    def remove(self, name: str) -> None:
        """As the Protocol."""
        self._storage.delete(f"{INCOMING}/{name}")

    def keep(self, day: date, name: str, content: bytes) -> None:
        """As the Protocol."""
        key = f"{ARCHIVE}/{day.isoformat()}/{name}"
        # The storage never overwrites: it would give a second file another name.
        self._storage.delete(key)
        self._storage.save(key, ContentFile(content))

    def kept(self) -> dict[date, list[str]]:
        """As the Protocol."""
        days = {name: _day(name) for name in self._list(ARCHIVE, files=False)}
        return {
            day: sorted(self._list(f"{ARCHIVE}/{name}", files=True))
            for name, day in sorted(days.items())
            if day is not None
        }

    def read_kept(self, day: date, name: str) -> bytes:
        """As the Protocol."""
        return self._read(f"{ARCHIVE}/{day.isoformat()}/{name}")

    def drop(self, day: date, name: str) -> None:
        """As the Protocol."""
        self._storage.delete(f"{ARCHIVE}/{day.isoformat()}/{name}")

    def _read(self, key: str) -> bytes:
        with self._storage.open(key, "rb") as file:
            return bytes(file.read())

    def _list(self, folder: str, *, files: bool) -> list[str]:
        try:
            folders, names = self._storage.listdir(folder)
        except FileNotFoundError:
            return []
        return names if files else folders


def hit_store() -> HitStore:
    """Where the hits of this installation are."""
    if isinstance(default_storage, FileSystemStorage):
        return LocalHits(settings.DATA_DIR)
    return StoredHits(default_storage)


def archived(name: str, content: bytes, reasons: Mapping[str, str]) -> bytes:
    """A counted segment as it is kept: each line with what became of its hit, or nothing (R43)."""
    lines = [_HEAD + name.encode()]
    lines += [
        line + b"\t" + reasons.get(_hit_id(line), "").encode()
        for line in content.split(b"\n")
        if line
    ]
    return gzip.compress(b"\n".join(lines) + b"\n", _FAST, mtime=0)


def read_archived(packed: bytes) -> Iterator[tuple[str, bytes]]:
    """The segments of an archive file, each with its name and its lines as they came."""
    name = ""
    lines: list[bytes] = []
    for line in gzip.decompress(packed).split(b"\n"):
        if line.startswith(_HEAD):
            if name:
                yield name, b"\n".join(lines)
            name, lines = line[1:].decode(), []
        elif line:
            lines.append(line.rpartition(b"\t")[0])
    if name:
        yield name, b"\n".join(lines)


def joined_archives(files: list[bytes]) -> bytes:
    """Several archive files as one, each segment once."""
    seen: set[str] = set()
    lines: list[bytes] = []
    for packed in files:
        keeps = False
        for line in gzip.decompress(packed).split(b"\n"):
            if line.startswith(_HEAD):
                name = line[1:].decode()
                keeps = name not in seen
                seen.add(name)
            if keeps and line:
                lines.append(line)
    return gzip.compress(b"\n".join(lines) + b"\n", mtime=0)


def without_hits(packed: bytes, *, show_id: int) -> tuple[bytes, set[int]]:
    """An archive file without the hits of a show, and the episodes that these were of.

    A line that is no hit and names the show by no field of its own stays.
    """
    lines: list[bytes] = []
    episodes: set[int] = set()
    for line in gzip.decompress(packed).split(b"\n"):
        # Tag, time, id, episode, show: all our own, and before any text of a stranger.
        parts = line.split(b",", 5)
        is_hit = len(parts) > 5 and not line.startswith(_HEAD)  # noqa: PLR2004
        if is_hit and parts[4] == b"%d" % show_id:
            if parts[3].isdigit():
                episodes.add(int(parts[3]))
        elif line:
            lines.append(line)
    return gzip.compress(b"\n".join(lines) + b"\n", mtime=0), episodes


def archive_name(name: str) -> str:
    """The name of the archive file of a segment."""
    return name.removesuffix(SEALED_SUFFIX) + _ARCHIVED


def moment_of_segment(name: str) -> datetime | None:
    """When a segment was begun: its name starts with the milliseconds."""
    try:
        return datetime.fromtimestamp(int(name.partition("-")[0]) / 1_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def day_of_segment(name: str, *, now: datetime) -> date:
    """The UTC day on which a segment was begun, the one of `now` for other names."""
    return (moment_of_segment(name) or now.astimezone(UTC)).date()


def _hit_id(line: bytes) -> str:
    """The third element of a line, which is our own and holds no escape."""
    parts = line.split(b",", 3)
    return parts[2].strip(b'"').decode("ascii", "replace") if len(parts) > 2 else ""  # noqa: PLR2004


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
