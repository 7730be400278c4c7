"""The Jellypod contract, generation A, under /v1: podcasts, episodes, hosts, voices, sources, account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from billing.services import episode_usage
from core.forms import FilePart, FormParser, ReceivedFile, is_form
from core.parsers import BoundedJSONParser
from keys.caller import account_of
from keys.scopes import EPISODES_READ, EPISODES_WRITE, SHOWS_READ, SHOWS_WRITE
from production.transcripts import to_srt, to_vtt
from production.voices.registry import voice_catalog
from studio import descriptions
from studio.episodes import (
    delete_episode,
    episodes_of,
    generation_of,
    get_episode,
    publish_episode,
    timeline_of,
    unpublish_episode,
    update_episode,
)
from studio.files import MAX_FILE_BYTES
from studio.hosts import (
    archive_host,
    create_host,
    get_host,
    hosts_in_order,
    list_hosts,
    update_host,
)
from studio.models import Source
from studio.paging import page_object, page_of
from studio.podcasts import (
    PodcastDraft,
    create_podcast,
    delete_podcast,
    get_podcast,
    podcasts_of,
    update_podcast,
)
from studio.serializers import (
    VOICE_TYPES,
    EpisodeChanges,
    HostChanges,
    NewFileSource,
    NewHost,
    NewPodcast,
    NewSource,
    PodcastChanges,
    Publishing,
    account_object,
    episode_list_object,
    episode_object,
    host_object,
    podcast_object,
    source_object,
    voice_object,
)
from studio.sources import (
    add_file_source,
    add_text_source,
    add_url_source,
    delete_source,
    get_source,
    sources_of,
)
from studio.states import EpisodeStatus, SourceState, with_status
from studio.timestamps import timestamps_object
from studio.views import JellypodView
from studio.voices import find_voice, named_voice

DOCUMENT_TYPES = {"srt": "application/x-subrip", "vtt": "text/vtt"}


class PodcastListView(JellypodView):
    """Calls 1 and 2."""

    required_scopes = {"GET": SHOWS_READ, "POST": SHOWS_WRITE}
    operations = descriptions.PODCAST_LIST_OPERATIONS

    def get(self, request: Request) -> Response:
        """A page, newest first."""
        found = podcasts_of(account_of(request))
        return Response(page_object(found, page_of(request.query_params), podcast_object))

    def post(self, request: Request) -> Response:
        """201 with the podcast; it has no episodes."""
        draft = PodcastDraft(**self.body_of(NewPodcast))
        podcast = create_podcast(account=account_of(request), draft=draft, now=timezone.now())
        return _data(podcast_object(podcast), status=status.HTTP_201_CREATED)


class PodcastView(JellypodView):
    """Calls 3, 4 and 5."""

    required_scopes = {"GET": SHOWS_READ, "PATCH": SHOWS_WRITE, "DELETE": SHOWS_WRITE}
    operations = descriptions.PODCAST_OPERATIONS

    def get(self, request: Request, podcast_id: UUID) -> Response:
        """One podcast."""
        podcast = get_podcast(account=account_of(request), podcast_id=podcast_id)
        return _data(podcast_object(podcast))

    def patch(self, request: Request, podcast_id: UUID) -> Response:
        """Change what the body names."""
        podcast = update_podcast(
            account=account_of(request),
            podcast_id=podcast_id,
            changes=self.body_of(PodcastChanges, partial=True),
            now=timezone.now(),
        )
        return _data(podcast_object(podcast))

    def delete(self, request: Request, podcast_id: UUID) -> Response:
        """204; the episodes go too, and work on them ends."""
        delete_podcast(account=account_of(request), podcast_id=podcast_id, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class EpisodeListView(JellypodView):
    """Call 8."""

    required_scopes = {"GET": EPISODES_READ}
    operations = descriptions.EPISODE_LIST_OPERATIONS

    def get(self, request: Request) -> Response:
        """A page over all podcasts, or one; newest first."""
        found = episodes_of(account_of(request))
        podcast = request.query_params.get("podcast_id", "").strip()
        if podcast:
            found = found.filter(show__studio__uuid=_uuid(podcast, "podcast_id"))
        wanted = _choice(request, "status", EpisodeStatus.values)
        if wanted:
            found = found.filter(with_status(EpisodeStatus(wanted)))
        return Response(page_object(found, page_of(request.query_params), episode_list_object))


class EpisodeView(JellypodView):
    """Calls 9 and 10, and PATCH, which is ours."""

    required_scopes = {"GET": EPISODES_READ, "PATCH": EPISODES_WRITE, "DELETE": EPISODES_WRITE}
    operations = descriptions.EPISODE_OPERATIONS

    def get(self, request: Request, episode_id: UUID) -> Response:
        """One episode, to be polled."""
        episode = get_episode(account=account_of(request), episode_id=episode_id)
        return _data(episode_object(episode))

    def patch(self, request: Request, episode_id: UUID) -> Response:
        """Change what the body names."""
        episode = update_episode(
            account=account_of(request),
            episode_id=episode_id,
            changes=self.body_of(EpisodeChanges, partial=True),
            now=timezone.now(),
        )
        return _data(episode_object(episode))

    def delete(self, request: Request, episode_id: UUID) -> Response:
        """204; its media go too, and work on it ends."""
        delete_episode(account=account_of(request), episode_id=episode_id, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class PublishView(JellypodView):
    """Call 13."""

    required_scopes = {"POST": EPISODES_WRITE}
    operations = descriptions.PUBLISH_OPERATIONS

    def post(self, request: Request, episode_id: UUID) -> Response:
        """The contract's one word; the episode itself says published or scheduled."""
        wanted = self.body_of(Publishing)
        episode = publish_episode(
            account=account_of(request),
            episode_id=episode_id,
            scheduled_time=wanted.get("scheduled_time"),
            now=timezone.now(),
        )
        return _data({"id": str(episode.uuid), "status": "publishing"})


class UnpublishView(JellypodView):
    """Call 14."""

    required_scopes = {"POST": EPISODES_WRITE}
    operations = descriptions.UNPUBLISH_OPERATIONS

    def post(self, request: Request, episode_id: UUID) -> Response:
        """The episode, a draft again."""
        episode = unpublish_episode(
            account=account_of(request), episode_id=episode_id, now=timezone.now()
        )
        return _data(episode_object(episode))


class TextRenderer(BaseRenderer):
    """Text as it is."""

    media_type = "text/plain"
    format = "txt"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """UTF-8; a refusal is JSON even here."""
        return data.encode() if isinstance(data, str) else json.dumps(data).encode()


class TimestampsView(JellypodView):
    """Call 15."""

    required_scopes = {"GET": EPISODES_READ}
    operations = descriptions.TIMESTAMPS_OPERATIONS

    def get(self, request: Request, episode_id: UUID) -> Response:
        """JSON by word or segment, SubRip or WebVTT."""
        form = _choice(request, "format", ["json", "srt", "vtt"]) or "json"
        granularity = _choice(request, "granularity", ["word", "segment"]) or "word"
        episode = get_episode(account=account_of(request), episode_id=episode_id)
        timeline = timeline_of(episode)
        if form == "json":
            generation = generation_of(episode)
            hosts = hosts_in_order(generation.host_ids) if generation else []
            return _data(timestamps_object(episode, timeline, hosts=hosts, granularity=granularity))
        text = to_srt(timeline) if form == "srt" else to_vtt(timeline)
        # The framework has no better place for an answer that is no JSON.
        request.accepted_renderer = TextRenderer()
        return Response(text, content_type=f"{DOCUMENT_TYPES[form]}; charset=utf-8")


class HostListView(JellypodView):
    """Calls 16 and 17."""

    required_scopes = {"GET": SHOWS_READ, "POST": SHOWS_WRITE}
    operations = descriptions.HOST_LIST_OPERATIONS

    def get(self, request: Request) -> Response:
        """A page, newest first; the default hosts are made on first use."""
        found = list_hosts(account=account_of(request), now=timezone.now())
        return Response(page_object(found, page_of(request.query_params), host_object))

    def post(self, request: Request) -> Response:
        """201 with the host."""
        fields = _host_fields(self.body_of(NewHost))
        host = create_host(account=account_of(request), fields=fields, now=timezone.now())
        return _data(host_object(host), status=status.HTTP_201_CREATED)


class HostView(JellypodView):
    """Calls 18, 19 and 20."""

    required_scopes = {"GET": SHOWS_READ, "PATCH": SHOWS_WRITE, "DELETE": SHOWS_WRITE}
    operations = descriptions.HOST_OPERATIONS

    def get(self, request: Request, host_id: str) -> Response:
        """One host."""
        return _data(host_object(get_host(account=account_of(request), host_id=host_id)))

    def patch(self, request: Request, host_id: str) -> Response:
        """Change what the body names."""
        host = update_host(
            account=account_of(request),
            host_id=host_id,
            changes=_host_fields(self.body_of(HostChanges, partial=True)),
            now=timezone.now(),
        )
        return _data(host_object(host))

    def delete(self, request: Request, host_id: str) -> Response:
        """204; archived: episodes that it speaks in keep it."""
        archive_host(account=account_of(request), host_id=host_id, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class VoiceListView(JellypodView):
    """Call 21."""

    required_scopes = {"GET": SHOWS_READ}
    operations = descriptions.VOICE_LIST_OPERATIONS

    def get(self, request: Request) -> Response:
        """All voices that the filters leave, the default first, in one page."""
        page_of(request.query_params)  # refuses what no list takes
        wanted = {
            "language": request.query_params.get("language", "").strip().lower(),
            "gender": _choice(request, "gender", ["male", "female", "other"]),
            "voice_type": _choice(request, "voice_type", list(VOICE_TYPES)),
        }
        voices = [voice_object(voice) for voice in voice_catalog().voices()]
        found = [
            voice
            for voice in voices
            if all(voice[name] == value for name, value in wanted.items() if value)
        ]
        return Response({"data": found, "pagination": {"has_more": False, "next_cursor": None}})


class VoiceView(JellypodView):
    """Call 22."""

    required_scopes = {"GET": SHOWS_READ}
    operations = descriptions.VOICE_OPERATIONS

    def get(self, request: Request, voice_id: int) -> Response:
        """One voice."""
        return _data(voice_object(find_voice(voice_id)))


class SourceListView(JellypodView):
    """Calls 23 and 24."""

    required_scopes = {"GET": SHOWS_READ, "POST": SHOWS_WRITE}
    operations = descriptions.SOURCE_LIST_OPERATIONS
    parser_classes = [BoundedJSONParser, FormParser]
    file_part = FilePart(name="file", max_bytes=MAX_FILE_BYTES)

    def get(self, request: Request) -> Response:
        """A page, newest first."""
        found = sources_of(account_of(request))
        wanted = _choice(request, "type", [*Source.Type.values, "youtube"])
        if wanted:
            found = found.filter(type=wanted)
        wanted = _choice(request, "status", ["awaiting_upload", *SourceState.values])
        if wanted:
            found = found.filter(state=wanted)
        return Response(page_object(found, page_of(request.query_params), source_object))

    def post(self, request: Request) -> Response:
        """202; pages and files are read after it, texts can be used at once."""
        source = self._file_source(request) if is_form(request) else self._source(request)
        return _data(source_object(source), status=status.HTTP_202_ACCEPTED)

    def _source(self, request: Request) -> Source:
        wanted = self.body_of(NewSource)
        account, now, title = account_of(request), timezone.now(), wanted.get("title") or ""
        if wanted["type"] == "text":
            return add_text_source(account=account, title=title, text=wanted["content"], now=now)
        return add_url_source(account=account, title=title, url=wanted["url"], now=now)

    def _file_source(self, request: Request) -> Source:
        wanted = self.body_of(NewFileSource)
        file = cast("ReceivedFile | None", request.FILES.get(self.file_part.name))
        if file is None:
            raise ValidationError({"file": ["send the file in this part of the form"]})
        return add_file_source(
            account=account_of(request),
            title=wanted.get("title") or "",
            filename=file.name or "",
            content=file,
            now=timezone.now(),
        )


class SourceView(JellypodView):
    """Calls 25 and 26."""

    required_scopes = {"GET": SHOWS_READ, "DELETE": SHOWS_WRITE}
    operations = descriptions.SOURCE_OPERATIONS

    def get(self, request: Request, source_id: UUID) -> Response:
        """One source, to be polled."""
        return _data(source_object(get_source(account=account_of(request), source_id=source_id)))

    def delete(self, request: Request, source_id: UUID) -> Response:
        """204; what was made from it stays."""
        delete_source(account=account_of(request), source_id=source_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AccountView(JellypodView):
    """Call 27."""

    required_scopes = {"GET": SHOWS_READ}
    operations = descriptions.ACCOUNT_OPERATIONS

    def get(self, request: Request) -> Response:
        """Plan and credits."""
        account = account_of(request)
        return _data(account_object(account, episode_usage(account, now=timezone.now())))


def _data(content: dict[str, object], *, status: int = 200) -> Response:
    return Response({"data": content}, status=status)


def _host_fields(wanted: dict[str, Any]) -> dict[str, object]:
    """The body's fields as the row has them: a voice by its id, empty text for null."""
    fields = dict(wanted)
    if "voice_id" in fields:
        fields["voice"] = named_voice(fields.pop("voice_id")).id
    for name in ("title", "personality"):
        if name in fields:
            fields[name] = fields[name] or ""
    return fields


def _choice(request: Request, name: str, choices: list[str]) -> str:
    text = request.query_params.get(name, "").strip().lower()
    if text and text not in choices:
        raise ValidationError({name: [f"must be one of {', '.join(choices)}"]})
    return text


def _uuid(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValidationError({name: ["must be a UUID"]}) from None
