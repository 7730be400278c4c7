"""Shapes of the Jellypod contract, generation A: what bodies may hold, and the objects they give."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from rest_framework import serializers

from accounts.models import Account
from billing.services import EpisodeUsage
from core.fields import BooleanField, ChoiceField, MomentField, NumberField, TextField
from core.schemas import UUID as UUID_SCHEMA
from core.schemas import Schema
from core.times import iso_milliseconds
from episodes.addresses import audio_address
from episodes.models import Episode
from production.voices.base import Voice, primary_language
from shows.models import Show
from shows.serializers import LanguageField
from shows.services import feed_url, page_url
from studio.episodes import generation_of
from studio.models import Generation, Host, Source, StudioPodcast
from studio.progress import progress_of
from studio.sources import MAX_TEXT, MIN_TEXT
from studio.states import EpisodeStatus, episode_status
from studio.voices import voice_by_id, voice_number

MAX_TITLE = 1_000
MAX_DESCRIPTION = 20_000
MAX_PROMPT = 20_000
MIN_BACKSTORY = 10
MAX_INTEGER = 2**31 - 1
#: Without a cap there is nothing to count down from: the largest 32-bit number means "enough".
UNLIMITED = MAX_INTEGER
PLAN_NAMES = {
    "sandbox": "free",
    "agent_pro": "creator",
    "agent_scale": "business",
    "enterprise": "enterprise",
}
VOICE_TYPE = "professional"
#: The contract's words, of which only the first is answered.
VOICE_TYPES = (VOICE_TYPE, "clone", "design")
NO_VIDEO = (
    "youtube is not supported: this server fetches no video. "
    "Send the transcript as a source of type text."
)
GENDERS = ("male", "female", "other")


class UuidField(TextField):
    """A UUID as text."""

    default_error_messages = {"uuid": "must be a UUID"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=50, **options)

    def parsed(self, text: str) -> Any:
        """The UUID."""
        try:
            return UUID(text)
        except ValueError:
            self.fail("uuid")

    def schema(self) -> Schema:
        """A string of the form."""
        return UUID_SCHEMA


class BackstoryField(TextField):
    """Who a host is: the contract asks for at least ten characters."""

    default_error_messages = {"short": "must have at least 10 characters"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=3_000, lines=True, **options)

    def parsed(self, text: str) -> str:
        """The text."""
        if len(text) < MIN_BACKSTORY:
            self.fail("short")
        return text

    def schema(self) -> Schema:
        """A string with its limits."""
        return {**super().schema(), "minLength": MIN_BACKSTORY}


class ListField(serializers.ListField):
    """A JSON array of at most 50 things, and nothing that merely looks like one."""

    default_error_messages = {"not_a_list": "must be an array"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=50, **options)


class PodcastChanges(serializers.Serializer[Any]):
    """The body of PATCH /podcasts/{podcast_id}."""

    title = TextField(max_length=MAX_TITLE)
    description = TextField(max_length=MAX_DESCRIPTION, lines=True, required=False, allow_null=True)
    host_ids = ListField(child=TextField(max_length=50))
    language = LanguageField(required=False)
    show_order = ChoiceField(choices=list(StudioPodcast.Order.values), required=False)
    show_visibility = ChoiceField(
        choices=list(StudioPodcast.Visibility.values), required=False, source="visibility"
    )


class NewPodcast(PodcastChanges):
    """The body of POST /podcasts."""


class HostChanges(serializers.Serializer[Any]):
    """The body of PATCH /hosts/{host_id}."""

    name = TextField(max_length=100)
    backstory = BackstoryField()
    voice_id = NumberField(high=MAX_INTEGER)
    title = TextField(max_length=255, required=False, allow_null=True)
    personality = TextField(max_length=3_000, lines=True, required=False, allow_null=True)
    voice_model = TextField(max_length=100, required=False)


class NewHost(HostChanges):
    """The body of POST /hosts."""


class NewSource(serializers.Serializer[Any]):
    """The JSON body of POST /sources."""

    type = ChoiceField(choices=["url", "youtube", "text"])
    title = TextField(max_length=255, required=False, allow_null=True)
    url = TextField(max_length=8_000, required=False, allow_null=True)
    content = TextField(max_length=MAX_TEXT, lines=True, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Each type has the field that it needs."""
        wanted = "content" if attrs["type"] == "text" else "url"
        if not attrs.get(wanted):
            raise serializers.ValidationError({wanted: [f"is required for type {attrs['type']}"]})
        if attrs["type"] == "youtube":
            raise serializers.ValidationError({"type": [NO_VIDEO]})
        if attrs["type"] == "text" and len(attrs["content"]) < MIN_TEXT:
            raise serializers.ValidationError(
                {"content": [f"must have at least {MIN_TEXT} characters"]}
            )
        return attrs


class NewFileSource(serializers.Serializer[Any]):
    """The texts of the form of POST /sources."""

    title = TextField(max_length=255, required=False)


class EpisodeChanges(serializers.Serializer[Any]):
    """The body of PATCH /episodes/{episode_id}."""

    title = TextField(max_length=MAX_TITLE, required=False)
    description = TextField(max_length=MAX_DESCRIPTION, lines=True, required=False, allow_null=True)
    explicit = BooleanField(required=False)
    season = NumberField(low=1, high=MAX_INTEGER, required=False, allow_null=True)
    episode_number = NumberField(low=1, high=MAX_INTEGER, required=False, allow_null=True)
    episode_type = ChoiceField(choices=list(Episode.Type.values), required=False)


class Publishing(serializers.Serializer[Any]):
    """The body of POST /episodes/{episode_id}/publish."""

    scheduled_time = MomentField(required=False, allow_null=True)


def podcast_object(podcast: StudioPodcast) -> dict[str, object]:
    """The whole object; needs `show` and its episodes (podcasts.podcasts_of)."""
    show = podcast.show
    episodes = sorted(show.episodes.all(), key=lambda one: (one.created_at, one.pk))
    return {
        "id": str(podcast.uuid),
        "title": show.title,
        "description": show.description,
        "image_url": show.cover_url,
        "host_ids": podcast.host_ids,
        "languages": [primary_language(show.language)],
        "show_order": podcast.show_order,
        "show_visibility": podcast.visibility,
        "url": page_url(show),
        "rss_feed_url": feed_url(show),
        "episode_ids": [str(episode.uuid) for episode in episodes],
        "created_at": iso_milliseconds(show.created_at),
        "updated_at": iso_milliseconds(show.updated_at),
    }


def episode_list_object(episode: Episode) -> dict[str, object]:
    """What lists show of an episode; needs the rows of `episodes.episodes_of`."""
    generation = generation_of(episode)
    asset = episode.asset
    has_title = generation is None or generation.has_title
    return {
        "id": str(episode.uuid),
        "podcast_id": str(_studio_of(episode.show).uuid),
        "status": episode_status(episode),
        "title": episode.title if has_title else None,
        "description": episode.description or None,
        "image_url": episode.cover_url,
        "video_url": None,
        "audio_url": audio_address(
            storage_key=asset.storage_key if asset else None, audio_url=episode.audio_url
        ),
        "duration": episode.duration_seconds,
        "host_ids": generation.host_ids if generation else [],
        "source_ids": _source_ids(generation),
        "created_at": iso_milliseconds(episode.created_at),
        "updated_at": iso_milliseconds(episode.updated_at),
    }


def episode_object(episode: Episode) -> dict[str, object]:
    """The whole object: beyond lists, how far it is, why it failed, and how it was written."""
    shown = episode_list_object(episode)
    status = shown["status"]
    generation = generation_of(episode)
    if status == EpisodeStatus.GENERATING:
        shown["generation"] = progress_of(episode, generation)
    shown["error_message"] = episode.error_message or None
    if generation is not None:
        shown |= {
            "language": generation.language,
            "writer": generation.writer or None,
            "model": generation.model or None,
            "usage": {
                "input_tokens": generation.input_tokens,
                "output_tokens": generation.output_tokens,
            },
            "target_duration": generation.target_seconds,
            "grounding": generation.grounding,
            "chapters": episode.chapters,
        }
    return shown


def host_object(host: Host) -> dict[str, object]:
    """The object with its voice embedded; null for a voice that is not there any more."""
    voice = voice_by_id(host.voice)
    return {
        "id": host.public_id,
        "name": host.name,
        "title": host.title or None,
        "backstory": host.backstory,
        "personality": host.personality or None,
        "voice_id": voice_number(host.voice),
        "voice_model": host.voice_model,
        "voice": voice_object(voice) if voice else None,
        "created_at": iso_milliseconds(host.created_at),
        "updated_at": iso_milliseconds(host.updated_at),
    }


def voice_object(voice: Voice) -> dict[str, object]:
    """The contract's fields; `name` and `preview_url` are ours."""
    number = voice_number(voice.id)
    described = ", ".join(part for part in (voice.accent, voice.gender) if part)
    return {
        "id": number,
        "name": voice.name,
        "description": f"{voice.name} ({described})" if described else voice.name,
        "language": primary_language(voice.language),
        "gender": voice.gender if voice.gender in GENDERS else "other",
        "accent": voice.accent,
        "voice_type": VOICE_TYPE,
        "preview_url": settings.PUBLIC_URL + reverse("studio-voice-preview", args=[number]),
    }


def source_object(source: Source) -> dict[str, object]:
    """The object; its text is not shown."""
    metadata = {"url": source.url, "filename": source.filename, "language": source.language}
    return {
        "id": str(source.uuid),
        "title": source.title or source.url[:255] or source.filename or "Untitled",
        "type": source.type,
        "status": source.state,
        "metadata": {name: value for name, value in metadata.items() if value},
        "error_message": source.error_message or None,
        "created_at": iso_milliseconds(source.created_at),
        "updated_at": iso_milliseconds(source.updated_at),
    }


def account_object(account: Account, usage: EpisodeUsage) -> dict[str, object]:
    """The object; a credit is an episode, because that is what plans count here."""
    left = UNLIMITED if usage.remaining is None else usage.remaining
    return {
        "organization_id": f"org_{account.pk}",
        "plan": PLAN_NAMES[usage.plan.id],
        "credits": {"balance": left},
    }


def _studio_of(show: Show) -> StudioPodcast:
    return show.studio


def _source_ids(generation: Generation | None) -> list[str]:
    if generation is None:
        return []
    return [str(source.uuid) for source in generation.sources.all()]
