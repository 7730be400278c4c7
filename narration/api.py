"""The PodRead contract, generation 1: episodes, feed and voices under /api/v1."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core.fields import TextField
from core.forms import FilePart, FormParser
from core.parsers import BoundedJSONParser
from episodes.api import EpisodeListView
from keys.caller import account_of
from keys.scopes import EPISODES_READ, EPISODES_WRITE, SHOWS_WRITE
from narration.file_kinds import MAX_FILE_BYTES
from narration.limits import require_room
from narration.models import Narration
from narration.podread import PodReadView
from narration.serializers import (
    feed_object,
    listener_object,
    narration_object,
    submission_from,
    voice_object,
)
from narration.services import (
    add_private_feed,
    delete_narration,
    feed_show,
    get_narration,
    narration_feed_url,
    private_feeds,
    submit_narration,
)
from production.voices.registry import voice_catalog
from shows.listeners import add_listener, remove_listener

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
#: Further than any list goes, and still a number that databases take.
MAX_PAGE = 10**9
_LEADING_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,18})", re.ASCII)


class NarrationListView(PodReadView):
    """Create a narration, list them."""

    parser_classes = [BoundedJSONParser, FormParser]
    file_part = FilePart("file", MAX_FILE_BYTES)
    required_scopes = {"GET": EPISODES_READ, "POST": EPISODES_WRITE}

    def post(self, request: Request) -> Response:
        """201 with the id alone; quota and rate answer before the content is looked at."""
        now = timezone.now()
        body = request.data
        require_room(account=account_of(request), now=now)
        is_form = str(request.content_type).startswith("multipart/")
        narration = submit_narration(
            account=account_of(request), submission=submission_from(body, is_form=is_form), now=now
        )
        return Response({"id": narration.episode.public_id}, status=status.HTTP_201_CREATED)

    def get(self, request: Request) -> Response:
        """A page, newest first; `page` and `limit` are clamped, never refused."""
        page = _clamped(request.query_params.get("page"), default=1, most=MAX_PAGE)
        limit = _clamped(request.query_params.get("limit"), default=DEFAULT_LIMIT, most=MAX_LIMIT)
        found = Narration.objects.visible_to(account_of(request))
        start = (page - 1) * limit
        rows = found.with_episode().newest_first()[start : start + limit]
        return Response(
            {
                "episodes": [narration_object(narration) for narration in rows],
                "meta": {"page": page, "limit": limit, "total": found.count()},
            }
        )


class NarrationView(PodReadView):
    """One narration by its public id."""

    required_scopes = {"GET": EPISODES_READ, "DELETE": EPISODES_WRITE}

    def get(self, request: Request, public_id: str) -> Response:
        """The wrapped object."""
        narration = get_narration(account=account_of(request), public_id=public_id)
        return Response({"episode": narration_object(narration)})

    def delete(self, request: Request, public_id: str) -> Response:
        """200 with a confirmation, as the contract has it; a second call is 404."""
        delete_narration(account=account_of(request), public_id=public_id, now=timezone.now())
        return Response({"deleted": True})


class FeedAddressView(PodReadView):
    """Where the account's private feed is."""

    required_scopes = {"GET": EPISODES_READ}

    def get(self, request: Request) -> Response:
        """The address alone; the show is made on first use."""
        return Response(
            {"feed_url": narration_feed_url(account=account_of(request), now=timezone.now())}
        )


class NewFeed(serializers.Serializer[Any]):
    """What it is called."""

    title = TextField(max_length=255)


class FeedListView(PodReadView):
    """Further private feeds, by name."""

    required_scopes = {"GET": EPISODES_READ, "POST": SHOWS_WRITE}

    def get(self, request: Request) -> Response:
        """All of them, the oldest first."""
        rows = private_feeds(account=account_of(request))
        return Response({"feeds": [feed_object(show) for show in rows]})

    def post(self, request: Request) -> Response:
        """201 with its id, which `show_id` names, and its address."""
        body = self.parsed_body(NewFeed)
        show = add_private_feed(
            account=account_of(request), title=body["title"], now=timezone.now()
        )
        return Response(feed_object(show), status=status.HTTP_201_CREATED)


class NewListener(serializers.Serializer[Any]):
    """Who is to listen."""

    name = TextField(max_length=255)


class ListenerListView(PodReadView):
    """Who listens to the private feed, each by an address that can be taken back.

    `show_id` in the address names another private show than the account's own.
    """

    required_scopes = {"GET": EPISODES_READ, "POST": EPISODES_WRITE}

    def get(self, request: Request, show_id: int | None = None) -> Response:
        """All of them, the first first."""
        show = feed_show(account=account_of(request), show_id=show_id, now=timezone.now())
        rows = show.listeners.order_by("pk")
        return Response({"listeners": [listener_object(listener) for listener in rows]})

    def post(self, request: Request, show_id: int | None = None) -> Response:
        """201 with the listener's own address of the feed."""
        now = timezone.now()
        body = self.parsed_body(NewListener)
        show = feed_show(account=account_of(request), show_id=show_id, now=now)
        listener = add_listener(show=show, name=body["name"], now=now)
        return Response(listener_object(listener), status=status.HTTP_201_CREATED)


class ListenerView(PodReadView):
    """One listener."""

    required_scopes = {"DELETE": EPISODES_WRITE}

    def delete(self, request: Request, listener_id: int, show_id: int | None = None) -> Response:
        """200 with a confirmation; the address opens nothing from now on."""
        show = feed_show(account=account_of(request), show_id=show_id, now=timezone.now())
        remove_listener(show=show, listener_id=listener_id)
        return Response({"deleted": True})


class VoiceListView(PodReadView):
    """The voices that `voice` may name."""

    required_scopes = {"GET": EPISODES_READ}

    def get(self, request: Request) -> Response:
        """All voices on offer, the default first."""
        return Response({"voices": [voice_object(voice) for voice in voice_catalog().voices()]})


_narrations = NarrationListView.as_view()
_episodes_of_show = EpisodeListView.as_view()


def narrations_or_episodes(request: HttpRequest) -> HttpResponseBase:
    """/api/v1/episodes belongs to two contracts.

    With `show_id` a GET is the flat list of hosted episodes (contracts/podclaw.md E13), which is
    also found under /api/episodes; everything else is a narration's.
    """
    if request.method in {"GET", "HEAD"} and "show_id" in request.GET:
        return _episodes_of_show(request)
    return _narrations(request)


narrations_or_episodes.document = "/api/v1/openapi.json"  # type: ignore[attr-defined]
# DRF has made its views exempt; this one in front of them has to be as well (bearer keys only).
narrations_or_episodes.csrf_exempt = True  # type: ignore[attr-defined]


def _clamped(text: str | None, *, default: int, most: int) -> int:
    """The number that `text` begins with, 1 to `most`; what is no number counts as 0."""
    if text is None:
        return default
    match = _LEADING_NUMBER.match(text)
    return min(max(int(match[1]) if match else 0, 1), most)
