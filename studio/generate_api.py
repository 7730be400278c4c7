"""Generating in the Jellypod contract: calls 7 and 12."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.times import iso_milliseconds
from keys.caller import account_of
from keys.scopes import EPISODES_WRITE, SHOWS_WRITE
from studio.bodies import NewGeneratedEpisode, NewSeries
from studio.descriptions import GENERATE_EPISODE_OPERATIONS, GENERATE_SERIES_OPERATIONS
from studio.generating import (
    EpisodeRequest,
    SeriesRequest,
    generate_episode,
    generate_series,
    options_from,
)
from studio.models import StudioPodcast
from studio.podcasts import PodcastDraft
from studio.serializers import podcast_object
from studio.states import EpisodeStatus
from studio.views import JellypodView


class GenerateSeriesView(JellypodView):
    """Call 7."""

    required_scopes = {"POST": SHOWS_WRITE}
    operations = GENERATE_SERIES_OPERATIONS

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
    operations = GENERATE_EPISODE_OPERATIONS

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
