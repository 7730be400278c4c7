"""What the bodies of calls that generate episodes, and that send scripts, may hold."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.fields import BooleanField, ChoiceField, NumberField, TextField
from shows.serializers import LanguageField
from studio.generating import LENGTHS, MAX_EPISODES
from studio.importing import (
    MAX_CHAPTERS,
    MAX_CHARACTERS,
    MAX_SEGMENT_CHARACTERS,
    MAX_SEGMENTS,
)
from studio.models import StudioPodcast
from studio.serializers import MAX_DESCRIPTION, MAX_PROMPT, MAX_TITLE, ListField, UuidField

MAX_MINUTES = 75
SEGMENTS_PER_CHAPTER = 200


class GenerationOptions(serializers.Serializer[Any]):
    """`options`; the fields after `web_search` are ours. `web_search` is taken and does nothing here."""

    episode_length = ChoiceField(choices=list(LENGTHS), required=False, allow_null=True)
    web_search = BooleanField(required=False, allow_null=True)
    length_minutes = NumberField(low=1, high=MAX_MINUTES, required=False, allow_null=True)
    strict = BooleanField(required=False, allow_null=True)
    disclosure = BooleanField(required=False, allow_null=True)
    spoken_disclosure = BooleanField(required=False, allow_null=True)


class SeriesOptions(GenerationOptions):
    """`options` of a whole podcast."""

    num_episodes = NumberField(low=1, high=MAX_EPISODES, required=False, allow_null=True)


class NewSeries(serializers.Serializer[Any]):
    """The body of POST /podcasts/generate."""

    host_ids = ListField(child=TextField(max_length=50))
    prompt = TextField(max_length=MAX_PROMPT, lines=True, required=False, allow_null=True)
    source_ids = ListField(child=UuidField(), required=False, allow_null=True)
    title = TextField(max_length=MAX_TITLE, required=False, allow_null=True)
    description = TextField(max_length=MAX_DESCRIPTION, lines=True, required=False, allow_null=True)
    language = LanguageField(required=False, allow_null=True)
    show_order = ChoiceField(
        choices=list(StudioPodcast.Order.values), required=False, allow_null=True
    )
    show_visibility = ChoiceField(
        choices=list(StudioPodcast.Visibility.values), required=False, allow_null=True
    )
    options = SeriesOptions(required=False, allow_null=True)


class NewGeneratedEpisode(serializers.Serializer[Any]):
    """The body of POST /podcasts/{podcast_id}/episodes/generate."""

    prompt = TextField(max_length=MAX_PROMPT, lines=True)
    host_ids = ListField(child=TextField(max_length=50), required=False, allow_null=True)
    source_ids = ListField(child=UuidField(), required=False, allow_null=True)
    title = TextField(max_length=MAX_TITLE, required=False, allow_null=True)
    options = GenerationOptions(required=False, allow_null=True)


class SegmentShape(serializers.Serializer[Any]):
    """One turn."""

    host_id = TextField(max_length=50)
    text = TextField(max_length=MAX_SEGMENT_CHARACTERS, lines=True)


class ChapterShape(serializers.Serializer[Any]):
    """One chapter; "" or null for an opening without a title."""

    title = TextField(max_length=300, required=False, allow_null=True)
    segments = serializers.ListField(
        child=SegmentShape(), min_length=1, max_length=SEGMENTS_PER_CHAPTER
    )


class ScriptShape(serializers.Serializer[Any]):
    """The body of PUT /episodes/{episode_id}/script."""

    chapters = serializers.ListField(child=ChapterShape(), min_length=1, max_length=MAX_CHAPTERS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The caps over all chapters."""
        segments = [one for chapter in attrs["chapters"] for one in chapter["segments"]]
        if len(segments) > MAX_SEGMENTS:
            raise serializers.ValidationError({"chapters": [f"at most {MAX_SEGMENTS} segments"]})
        if sum(len(one["text"]) for one in segments) > MAX_CHARACTERS:
            raise serializers.ValidationError(
                {"chapters": [f"at most {MAX_CHARACTERS:,} characters in all"]}
            )
        return attrs


class ScriptImport(serializers.Serializer[Any]):
    """The body of POST /episodes/import."""

    podcast_id = UuidField()
    title = TextField(max_length=MAX_TITLE)
    script = TextField(max_length=MAX_CHARACTERS, lines=True)
    options = GenerationOptions(required=False)
