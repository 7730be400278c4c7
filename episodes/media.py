"""Stored media files by their public address: only files that an episode's row owns exist."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from django.db.models import Case, Q, When

from core.pictures import COVER_TYPE
from episodes.models import AudioAsset, Episode, EpisodeDocument
from episodes.states import Publication
from shows.models import Show

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,499}\Z")


_PUBLISHED = Q(episodes__state=Publication.PUBLISHED)
_SEEN_BY_ALL = _PUBLISHED & Q(episodes__show__visibility=Show.Visibility.PUBLIC)


@dataclass(frozen=True, slots=True)
class MediaFile:
    """What a row says about a stored file; a file under one key never changes.

    `episode_id` and `show_id` are those of the published episode that the audio belongs to, None
    for others and for audio that the public does not know yet. `asset_id` is None for all but audio.
    `owner_id` is the show whose public changes tell of every change to this, None when no show does.
    """

    storage_key: str
    bytes: int
    mime_type: str
    entity_tag: str
    is_private: bool
    asset_id: int | None = None
    episode_id: int | None = None
    show_id: int | None = None
    owner_id: int | None = None


def find_media(storage_key: str) -> MediaFile | None:
    """The audio, document or cover under `storage_key`, or None: files that no row owns are not served."""
    if not _KEY.match(storage_key):
        return None
    return (
        _find_audio(storage_key)
        or _find_document(storage_key)
        or _find_show_cover(storage_key)
        or _find_episode_cover(storage_key)
    )


def _find_audio(storage_key: str) -> MediaFile | None:
    row = (
        AudioAsset.objects.filter(storage_key=storage_key)
        # Uploaded audio may have several episodes: what the public sees counts. Any published one of
        # them is a right answer, so it is enough to follow the changes of that one's show.
        .order_by(
            Case(When(_SEEN_BY_ALL, then=0), When(_PUBLISHED, then=1), default=2), "-episodes__pk"
        )
        .values(
            "pk",
            "bytes",
            "sha256",
            "mime_type",
            "origin",
            "episodes__pk",
            "episodes__state",
            "episodes__show_id",
            "episodes__show__visibility",
        )
        .first()
    )
    if row is None or (row["origin"] == AudioAsset.Origin.PRODUCED and row["episodes__pk"] is None):
        # What was made for an episode is gone with it, even while the file waits to be swept.
        return None
    is_published = row["episodes__state"] == Publication.PUBLISHED
    return MediaFile(
        storage_key=storage_key,
        bytes=row["bytes"],
        mime_type=row["mime_type"],
        entity_tag=f'"{row["sha256"][:32]}"',
        is_private=row["episodes__show__visibility"] != Show.Visibility.PUBLIC or not is_published,
        asset_id=row["pk"],
        episode_id=row["episodes__pk"] if is_published else None,
        show_id=row["episodes__show_id"] if is_published else None,
        owner_id=row["episodes__show_id"] if is_published else None,
    )


def _find_document(storage_key: str) -> MediaFile | None:
    row = (
        EpisodeDocument.objects.filter(storage_key=storage_key)
        .exclude(kind__in=EpisodeDocument.INTERNAL)
        .values(
            "bytes", "mime_type", "episode__state", "episode__show_id", "episode__show__visibility"
        )
        .first()
    )
    if row is None:
        return None
    is_published = row["episode__state"] == Publication.PUBLISHED
    return MediaFile(
        storage_key=storage_key,
        bytes=row["bytes"],
        mime_type=row["mime_type"],
        entity_tag=_tag_of_key(storage_key),
        is_private=row["episode__show__visibility"] != Show.Visibility.PUBLIC or not is_published,
        owner_id=row["episode__show_id"] if is_published else None,
    )


def _find_show_cover(storage_key: str) -> MediaFile | None:
    row = (
        Show.objects.filter(cover_key=storage_key).values("pk", "cover_bytes", "visibility").first()
    )
    if row is None:
        return None
    return MediaFile(
        storage_key=storage_key,
        bytes=row["cover_bytes"] or 0,
        mime_type=COVER_TYPE,
        entity_tag=_tag_of_key(storage_key),
        is_private=row["visibility"] != Show.Visibility.PUBLIC,
        owner_id=row["pk"],
    )


def _find_episode_cover(storage_key: str) -> MediaFile | None:
    row = (
        Episode.objects.filter(cover_key=storage_key)
        .values("cover_bytes", "state", "show_id", "show__visibility")
        .first()
    )
    if row is None:
        return None
    is_published = row["state"] == Publication.PUBLISHED
    return MediaFile(
        storage_key=storage_key,
        bytes=row["cover_bytes"] or 0,
        mime_type=COVER_TYPE,
        entity_tag=_tag_of_key(storage_key),
        is_private=row["show__visibility"] != Show.Visibility.PUBLIC or not is_published,
        owner_id=row["show_id"] if is_published else None,
    )


def _tag_of_key(storage_key: str) -> str:
    """Random keys are used once, so the key stands for the content."""
    return f'"{hashlib.sha256(storage_key.encode()).hexdigest()[:32]}"'
