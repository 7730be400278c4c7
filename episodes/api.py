"""Episodes in the PodClaw contract: E10 to E18."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ContractView, page_bounds
from core.routes import MAX_ID
from episodes.models import Episode
from episodes.serializers import (
    EpisodeChanges,
    NewEpisode,
    NewFlatEpisode,
    episode_address,
    episode_object,
    publication_message,
)
from episodes.services import (
    EpisodeDraft,
    create_episode,
    delete_episode,
    get_episode,
    update_episode,
)
from episodes.states import Publication
from keys.caller import account_of
from keys.scopes import EPISODES_READ, EPISODES_WRITE
from shows.services import ShowNotFound, feed_url, get_show

DEFAULT_LIMIT, MAX_LIMIT = 50, 100


class EpisodePublishView(ContractView):
    """E10, the flat form."""

    required_scopes = {"POST": EPISODES_WRITE}

    def post(self, request: Request) -> Response:
        """201 with the new episode."""
        wanted = self.parsed_body(NewFlatEpisode)
        return _created(request, show_id=wanted.pop("show_id"), wanted=wanted)


class EpisodeListView(ContractView):
    """E13, the flat list: the show is named by `?show_id=`."""

    required_scopes = {"GET": EPISODES_READ}

    def get(self, request: Request) -> Response:
        """A page of the show's episodes."""
        return _page(request, show_id=_show_id(request))


class ShowEpisodeListView(ContractView):
    """E11 and E12, nested under the show."""

    required_scopes = {"GET": EPISODES_READ, "POST": EPISODES_WRITE}

    def get(self, request: Request, show_id: int) -> Response:
        """A page of the show's episodes."""
        return _page(request, show_id=show_id)

    def post(self, request: Request, show_id: int) -> Response:
        """201 with the new episode."""
        return _created(request, show_id=show_id, wanted=self.parsed_body(NewEpisode))


class EpisodeView(ContractView):
    """E14 to E18; the nested forms also give the show, which has to be the episode's own."""

    required_scopes = {"GET": EPISODES_READ, "PATCH": EPISODES_WRITE, "DELETE": EPISODES_WRITE}

    def get(self, request: Request, episode_id: int, show_id: int | None = None) -> Response:
        """One episode."""
        episode = get_episode(account=account_of(request), episode_id=episode_id, show_id=show_id)
        return Response({"success": True, "episode": episode_object(episode)})

    def patch(self, request: Request, episode_id: int, show_id: int | None = None) -> Response:
        """Change what the body names."""
        episode = update_episode(
            account=account_of(request),
            episode_id=episode_id,
            show_id=show_id,
            changes=self.parsed_body(EpisodeChanges, partial=True),
            now=timezone.now(),
        )
        return Response({"success": True, "episode": episode_object(episode)})

    def delete(self, request: Request, episode_id: int, show_id: int | None = None) -> Response:
        """204; the feed forgets it at once."""
        delete_episode(
            account=account_of(request), episode_id=episode_id, show_id=show_id, now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _created(request: Request, *, show_id: int, wanted: dict[str, Any]) -> Response:
    """201; `id`, `url` and `episode_url` also at the top, where some clients look."""
    episode = create_episode(
        account=account_of(request),
        show_id=show_id,
        draft=EpisodeDraft(**wanted),
        now=timezone.now(),
    )
    address = episode_address(episode)
    return Response(
        {
            "success": True,
            "episode": episode_object(episode),
            "feed_url": feed_url(episode.show),
            "message": publication_message(episode),
            "id": episode.pk,
            "url": address,
            "episode_url": address,
        },
        status=status.HTTP_201_CREATED,
    )


def _page(request: Request, *, show_id: int) -> Response:
    limit, offset = page_bounds(
        request.query_params, default_limit=DEFAULT_LIMIT, max_limit=MAX_LIMIT
    )
    state = _state(request)
    show = get_show(account=account_of(request), show_id=show_id)
    found = Episode.objects.filter(show=show)
    if state is not None:
        found = found.filter(state=state)
    rows = found.select_related("show", "asset").newest_first()[offset : offset + limit]
    episodes = [episode_object(episode) for episode in rows]
    return Response(
        {
            "success": True,
            "episodes": episodes,
            "count": len(episodes),
            "total": found.count(),
            "limit": limit,
            "offset": offset,
        }
    )


def _state(request: Request) -> Publication | None:
    text = request.query_params.get("status", "").strip().lower()
    if text and text not in Publication.values:
        raise ValidationError({"status": [f"must be one of {', '.join(Publication.values)}"]})
    return Publication(text) if text else None


def _show_id(request: Request) -> int:
    text = request.query_params.get("show_id", "").strip()
    if not (text.isascii() and text.isdigit()):
        reason = "must be the id of a show" if text else "is required: GET /api/episodes?show_id=1"
        raise ValidationError({"show_id": [reason]})
    if len(text) > len(str(MAX_ID)):
        raise ShowNotFound("Show not found")
    return int(text)
