"""Shapes of episodes in the PodClaw contract (contracts/podclaw.md section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, CharField, QuerySet
from rest_framework import serializers

from core.fields import (
    MAX_INTEGER,
    MAX_SMALL_INTEGER,
    BooleanField,
    ChoiceField,
    MimeTypeField,
    MomentField,
    NumberField,
    PublicAddressField,
    TextField,
)
from core.prepared import Given, Prepared
from core.storage import media_url
from core.times import iso_milliseconds
from episodes.addresses import audio_address, audio_extension, track_url
from episodes.models import AudioAsset, AudioCopy, Episode
from episodes.states import Publication
from shows.models import Show
from shows.services import page_url

MAX_TITLE_LENGTH = 1_000
MAX_DESCRIPTION_LENGTH = 100_000
#: What null means for a column that always has a value.
_MEANING_OF_NULL = {
    "audio_type": "audio/mpeg",
    "episode_type": Episode.Type.FULL,
    "explicit": False,
}


class EpisodeChanges(serializers.Serializer[Any]):
    """The body of PATCH /api/episodes/:id; all fields are optional there."""

    title = TextField(max_length=MAX_TITLE_LENGTH)
    audio_url = PublicAddressField()
    description = TextField(
        max_length=MAX_DESCRIPTION_LENGTH, lines=True, required=False, allow_null=True
    )
    status = ChoiceField(choices=list(Publication.values), required=False, allow_null=True)
    publish_at = MomentField(required=False, allow_null=True)
    published_at = MomentField(required=False, allow_null=True)
    audio_type = MimeTypeField(required=False, allow_null=True)
    audio_length = NumberField(high=MAX_INTEGER, required=False, allow_null=True)
    duration_seconds = NumberField(
        high=MAX_SMALL_INTEGER, rounded=True, required=False, allow_null=True
    )
    season = NumberField(high=MAX_SMALL_INTEGER, required=False, allow_null=True)
    episode_number = NumberField(high=MAX_SMALL_INTEGER, required=False, allow_null=True)
    episode_type = ChoiceField(choices=list(Episode.Type.values), required=False, allow_null=True)
    explicit = BooleanField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Give null its meaning where the column has none; a null status is no status."""
        known = {
            name: _MEANING_OF_NULL.get(name) if value is None else value
            for name, value in attrs.items()
            if not (name == "status" and value is None)
        }
        if "status" in known:
            known["status"] = Publication(str(known["status"]))
        return known


class NewEpisode(EpisodeChanges):
    """The body of POST /api/shows/:id/episodes."""


class NewFlatEpisode(NewEpisode):
    """The body of POST /api/episodes/publish."""

    show_id = NumberField(low=1, high=MAX_INTEGER)


class UploadedEpisode(NewEpisode):
    """The texts of a form whose file part is the audio."""

    audio_url = None  # type: ignore[assignment] # the framework's way to drop an inherited field


class UploadedFlatEpisode(NewFlatEpisode):
    """The same for POST /api/episodes/publish."""

    audio_url = None  # type: ignore[assignment] # as above


#: What an episode's object is made of: names that an `Episode` has, and a row of a list.
_COLUMNS = (
    "pk",
    "show_id",
    "guid",
    "public_id",
    "title",
    "description",
    "state",
    "publish_at",
    "published_at",
    "audio_url",
    "audio_type",
    "audio_length",
    "duration_seconds",
    "season",
    "episode_number",
    "episode_type",
    "explicit",
    "created_at",
    "updated_at",
)
_ASSET_COLUMNS = ("storage_key", "mime_type", "bytes")


def episode_object(episode: Episode) -> dict[str, object]:
    """The full object; needs `show` and `asset` (select_related)."""
    return _object(episode, episode.show, _sound_of(episode))


def episode_objects(
    show: Show, *, state: str | None, limit: int, offset: int
) -> list[dict[str, object]]:
    """The full objects of a page of the show's episodes, by one query that reads nothing else."""
    given = {} if state is None else {"state": state}
    rows = _page(limit, offset, in_state=state is not None).rows(show=show.pk, **given)
    return [
        _object(row, show, _sound(row.audio_url, row.audio_type, row.audio_length, row[-3:]))
        for row in rows
    ]


def episode_address(episode: Episode) -> str:
    """The episode's public page; in a private show, which has none, the address that plays it."""
    return _address(episode.public_id, episode.show, _sound_of(episode))


def publication_message(episode: Episode) -> str:
    """The sentence that tells what creating the episode came to."""
    if episode.state == Publication.PUBLISHED:
        return f'Episode "{episode.title}" published to {episode.show.title}. RSS feed updated.'
    if episode.state == Publication.SCHEDULED and episode.publish_at is not None:
        return f'Episode "{episode.title}" scheduled for {iso_milliseconds(episode.publish_at)}.'
    return f'Episode "{episode.title}" saved as a draft in {episode.show.title}.'


def upload_object(asset: AudioAsset, *, filename: str) -> dict[str, object]:
    """What E31 tells of an upload; `filename` is the name that this call gave."""
    return {
        "url": media_url(asset.storage_key),
        "filename": filename,
        "size": asset.bytes,
        "content_type": asset.mime_type,
    }


def copy_object(copy: AudioCopy) -> dict[str, object]:
    """How far the copying of an episode's outside audio is, and why it failed."""
    is_waiting = copy.state == AudioCopy.State.WAITING
    return {
        "episode_id": copy.episode_id,
        "state": copy.state,
        "source_url": copy.source_url,
        "attempts": copy.attempts,
        "next_attempt_at": iso_milliseconds(copy.due_at) if is_waiting else None,
        "error_code": copy.error_code or None,
        "error": copy.error_message or None,
        "requested_at": iso_milliseconds(copy.requested_at),
        "finished_at": iso_milliseconds(copy.finished_at),
    }


def _object(facts: Any, show: Show, sound: _Sound) -> dict[str, object]:
    """`facts` are an `Episode`, or a row with its _COLUMNS."""
    address = _address(facts.public_id, show, sound)
    return {
        "id": facts.pk,
        "show_id": facts.show_id,
        "show_slug": show.slug,
        "guid": str(facts.guid),
        "title": facts.title,
        "description": facts.description,
        "status": facts.state,
        "publish_at": iso_milliseconds(facts.publish_at),
        "published_at": iso_milliseconds(facts.published_at),
        "audio_url": sound.address,
        "audio_type": sound.mime_type,
        "audio_length": sound.bytes,
        "duration_seconds": facts.duration_seconds,
        "season": facts.season,
        "episode_number": facts.episode_number,
        "episode_type": facts.episode_type,
        "explicit": facts.explicit,
        "url": address,
        "episode_url": address,
        "created_at": iso_milliseconds(facts.created_at),
        "updated_at": iso_milliseconds(facts.updated_at),
    }


@lru_cache(maxsize=64)
def _page(limit: int, offset: int, *, in_state: bool) -> Prepared[Any]:
    """Clients ask for the first pages, in the size that they are used to."""

    def made() -> QuerySet[Episode, Any]:
        found = Episode.objects.filter(show_id=Given("show", BigIntegerField()))
        if in_state:
            found = found.filter(state=Given("state", CharField()))
        assets = (f"asset__{name}" for name in _ASSET_COLUMNS)
        page = found.newest_first()[offset : offset + limit]
        return page.values_list(*_COLUMNS, *assets, named=True)

    return Prepared(made)


def _address(public_id: str, show: Show, sound: _Sound) -> str:
    if not show.is_private:
        return f"{page_url(show)}/{public_id}"
    return track_url(
        reference=public_id,
        extension=audio_extension(address=sound.address or "", mime_type=sound.mime_type),
    )


class _Sound(NamedTuple):
    address: str | None
    mime_type: str
    bytes: int | None


def _sound_of(episode: Episode) -> _Sound:
    asset = episode.asset
    stored = [getattr(asset, name) for name in _ASSET_COLUMNS] if asset else [None]
    return _sound(episode.audio_url, episode.audio_type, episode.audio_length, stored)


def _sound(url: str | None, mime_type: str, length: int | None, asset: Sequence[Any]) -> _Sound:
    """What is told of the audio: the asset knows better than the client did."""
    key = asset[0]
    if key is None:
        return _Sound(url, mime_type, length)
    return _Sound(audio_address(storage_key=key, audio_url=url), asset[1], asset[2])
