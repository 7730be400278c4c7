"""Writes files to storage (disk or S3) so that a crash at any point leaves nothing behind for good."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage

from core.models import StoredFile

#: How long a registered file may lack an owner: far longer than any write to storage takes.
GRACE = timedelta(hours=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def store_bytes(key: str, content: bytes, *, now: datetime) -> str:
    """Store `content` under `key` and return the key; the sweep removes it if nobody owns it in time."""
    return _store(key, ContentFile(content), now=now)


def store_file(key: str, path: Path, *, now: datetime) -> str:
    """Store the file at `path` under `key`, streamed; returns the key."""
    with path.open("rb") as source:
        return _store(key, File(source), now=now)


def store_stream(key: str, content: IO[bytes], *, now: datetime) -> str:
    """Store an open file from its start under `key`, streamed; returns the key."""
    content.seek(0)
    return _store(key, File(content), now=now)


def media_url(storage_key: str) -> str:
    """The absolute public address of the file under `storage_key`: PUBLIC_MEDIA_URL, else /media/ here."""
    return f"{_media_base()}/{quote(storage_key)}"


def stored_key(address: str) -> str | None:
    """The storage key that `address` is the `media_url` of, None for addresses elsewhere."""
    base = f"{_media_base()}/"
    return unquote(address.removeprefix(base)) if address.startswith(base) else None


def open_stored(key: str) -> IO[bytes]:
    """Open a stored file for reading; raises `FileNotFoundError`."""
    return default_storage.open(key, "rb")


def release_stored(keys: Iterable[str]) -> None:
    """Give files up in the transaction that takes their owner away: the next sweep removes them.

    Their time of writing counts no more, so the grace of files that wait for an owner is over.
    """
    StoredFile.objects.filter(key__in=list(keys)).update(created_at=LONG_AGO)


def delete_stored(key: str) -> None:
    """Remove the file, then its register entry; a second call finds nothing to do."""
    default_storage.delete(key)
    if isinstance(default_storage, FileSystemStorage):
        # On a disk each file has a folder of its own, which would stay empty for ever.
        with suppress(OSError):
            Path(default_storage.path(key)).parent.rmdir()
    StoredFile.objects.filter(key=key).delete()


def _media_base() -> str:
    return settings.PUBLIC_MEDIA_URL or f"{settings.PUBLIC_URL}/media"


def _store(key: str, content: File[bytes], *, now: datetime) -> str:
    StoredFile.objects.create(key=key, created_at=now)
    try:
        stored = default_storage.save(key, content)
    except Exception:
        # Half a file on a full disk would keep it full.
        delete_stored(key)
        raise
    if stored != key:
        # Keys are random: a collision means that the caller reuses one.
        default_storage.delete(stored)
        raise FileExistsError(key)
    return key
