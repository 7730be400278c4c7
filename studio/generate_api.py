"""Generating in the Jellypod contract: calls 7 and 12."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core.fields import BooleanField, ChoiceField, NumberField, TextField
from core.times import iso_milliseconds
from keys.caller import account_of
from keys.scopes import EPISODES_WRITE, SHOWS_WRITE
from shows.serializers import LanguageField
from studio.generating import (
    LENGTHS,
    MAX_EPISODES,
    EpisodeRequest,
    SeriesRequest,
    generate_episode,
    generate_series,
    options_from,
)
from studio.models import StudioPodcast
from studio.podcasts import PodcastDraft
from studio.serializers import (
    MAX_DESCRIPTION,
    MAX_PROMPT,
    MAX_TITLE,
    ListField,
    UuidField,
    podcast_object,
)
from studio.states import EpisodeStatus
from studio.views import JellypodView

MAX_MINUTES = 75


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


class GenerateSeriesView(JellypodView):
    """Call 7."""

    required_scopes = {"POST": SHOWS_WRITE}

    def post(self, request: Request) -> Response:
        """202 with the planned podcast, and a stub for each of its episodes."""
        wanted = self.body_of(NewSeries)
        options = wanted.get("options") or {}
        planned = generate_series(
            account=account_of(request),
            request=SeriesRequest(
                podcast=PodcastDraft(
                    title=wanted.get("title") or "",
                    description=wanted.get("description"),
                    host_ids=wanted["host_ids"],
                    language=wanted.get("language") or "",
                    show_order=wanted.get("show_order") or StudioPodcast.Order.EPISODIC,
                    visibility=wanted.get("show_visibility") or StudioPodcast.Visibility.UNLISTED,
                ),
                prompt=wanted.get("prompt") or "",
                source_ids=wanted.get("source_ids") or [],
                episodes=options.get("num_episodes") or 1,
                options=options_from(options),
            ),
            now=timezone.now(),
        )
        stubs = [
            {
                "id": str(episode.uuid),
                "title": episode.title,
                "description": episode.description or None,
                "status": EpisodeStatus.GENERATING,
            }
            for episode in planned.episodes
        ]
        data = {**podcast_object(planned.podcast), "episodes": stubs}
        return Response({"status": "accepted", "data": data}, status=status.HTTP_202_ACCEPTED)


class GenerateEpisodeView(JellypodView):
    """Call 12."""

    required_scopes = {"POST": EPISODES_WRITE}

    def post(self, request: Request, podcast_id: UUID) -> Response:
        """202 with the contract's reduced object."""
        wanted = self.body_of(NewGeneratedEpisode)
        episode = generate_episode(
            account=account_of(request),
            podcast_id=podcast_id,
            request=EpisodeRequest(
                prompt=wanted["prompt"],
                host_ids=wanted.get("host_ids") or [],
                source_ids=wanted.get("source_ids") or [],
                title=wanted.get("title") or "",
                options=options_from(wanted.get("options") or {}),
            ),
            now=timezone.now(),
        )
        data = {
            "id": str(episode.uuid),
            "podcast_id": str(podcast_id),
            "host_ids": episode.generation.host_ids,
            "status": EpisodeStatus.GENERATING,
            "created_at": iso_milliseconds(episode.created_at),
            "updated_at": iso_milliseconds(episode.updated_at),
        }
        return Response({"status": "accepted", "data": data}, status=status.HTTP_202_ACCEPTED)
