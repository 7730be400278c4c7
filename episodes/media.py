"""The public address of a stored media file, and the row that says what the file is."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings


def media_url(storage_key: str) -> str:
    """The absolute public address of the file under `storage_key`: PUBLIC_MEDIA_URL, else /media/ here."""
    base = settings.PUBLIC_MEDIA_URL or f"{settings.PUBLIC_URL}/media"
    return f"{base}/{quote(storage_key)}"
