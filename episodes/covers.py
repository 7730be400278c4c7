"""Takes an episode's own cover into storage, under a new address each time."""

from __future__ import annotations

from datetime import datetime
from typing import IO

from django.conf import settings
from django.db import transaction

from accounts.models import Account
from core.ids import random_text
from core.pictures import Cover, make_cover, make_framed_cover
from core.storage import delete_stored, release_stored, store_bytes
from episodes.events import record_episode_event
from episodes.locking import EpisodeNotFound, locked_episode
from episodes.models import Episode
from episodes.services import StoredCover
from episodes.states import Publication
from shows.services import note_public_change
from webhooks.event_types import EventType


def set_episode_cover(
    *, account: Account, episode_id: int, picture: IO[bytes], crop: bool, now: datetime
) -> Episode:
    """Make the episode's cover of a JPEG, PNG or WebP; the one before is swept.

    Raises `EpisodeNotFound` and what `core.pictures.make_cover` raises; nothing is stored then.
    """
    cover = _stored(make_cover(picture, max_bytes=settings.COVER_MAX_BYTES, crop=crop), now=now)
    try:
        with transaction.atomic(durable=True):
            episode = locked_episode(account=account, episode_id=episode_id)
            if episode.cover_key:
                release_stored([episode.cover_key])
            episode.cover_key, episode.cover_bytes = cover.storage_key, cover.bytes
            episode.updated_at = now
            episode.save(update_fields=["cover_key", "cover_bytes", "updated_at"])
            if episode.state == Publication.PUBLISHED:
                note_public_change(show_id=episode.show_id, now=now)
            record_episode_event(episode, EventType.EPISODE_UPDATED, now=now)
    except EpisodeNotFound:
        # Deleted since it was found.
        delete_stored(cover.storage_key)
        raise
    return episode


def store_framed_cover(picture: IO[bytes], *, now: datetime) -> StoredCover:
    """A cover with the whole of a picture of any shape in it, in storage and without an owner yet.

    Raises what `core.pictures.make_framed_cover` raises.
    """
    return _stored(make_framed_cover(picture, max_bytes=settings.COVER_MAX_BYTES), now=now)


def _stored(cover: Cover, *, now: datetime) -> StoredCover:
    key = store_bytes(f"covers/{random_text(32)}/cover.jpg", cover.content, now=now)
    return StoredCover(key, len(cover.content))
