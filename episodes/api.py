"""Episodes in the PodClaw contract, E10 to E18, and the upload of audio, E31."""

from __future__ import annotations

from typing import IO, Any, cast

from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ContractView, page_bounds
from core.forms import FilePart, FormParser, ReceivedFile, is_form
from core.parsers import BoundedJSONParser
from core.routes import MAX_ID
from episodes.copies import get_copy, keep_copy
from episodes.descriptions import (
    EPISODE_LIST_OPERATIONS,
    EPISODE_OPERATIONS,
    KEEP_COPY_OPERATIONS,
    PUBLISH_OPERATIONS,
    SHOW_EPISODE_LIST_OPERATIONS,
    UPLOAD_OPERATIONS,
)
from episodes.serializers import (
    EpisodeChanges,
    NewEpisode,
    NewFlatEpisode,
    UploadedEpisode,
    UploadedFlatEpisode,
    copy_object,
    episode_address,
    episode_object,
    episode_objects,
    publication_message,
    upload_object,
)
from episodes.services import (
    EpisodeDraft,
    create_episode,
    delete_episode,
    get_episode,
    update_episode,
)
from episodes.states import Publication
from episodes.uploads import MAX_AUDIO_BYTES, SentAudio, staged_upload, store_upload
from keys.caller import account_of
from keys.scopes import EPISODES_READ, EPISODES_WRITE
from shows.services import ShowNotFound, feed_url, get_listed_show, get_show

DEFAULT_LIMIT, MAX_LIMIT = 50, 100
UPLOADED_MESSAGE = "Episode created with uploaded audio file."


class AudioFormView(ContractView):
    """A view that takes audio as the part `audio` of a form."""

    file_part = FilePart(name="audio", max_bytes=MAX_AUDIO_BYTES)

    def sent_audio(self, request: Request) -> SentAudio | None:
        """The file of the request's form, None without one."""
        file = cast("ReceivedFile | None", request.FILES.get(self.file_part.name))
        if file is None:
            return None
        return SentAudio(
            content=cast("IO[bytes]", file.file),
            name=file.name or "",
            bytes=file.size or 0,
            sha256=file.sha256,
        )


class NewEpisodeView(AudioFormView):
    """Creates episodes from JSON, or from a form with the audio itself or its address (A14)."""

    parser_classes = [BoundedJSONParser, FormParser]

    def audio_of(self, request: Request) -> SentAudio | None:
        """The file of the form; raises `ValidationError` unless there is exactly one source."""
        sent = self.sent_audio(request)
        if not is_form(request):
            return None
        has_address = "audio_url" in request.data
        if sent is not None and has_address:
            raise ValidationError({"audio": ["send either a file or audio_url, not both"]})
        if sent is None and not has_address:
            raise ValidationError({"audio": ["send the file in this part, or give audio_url"]})
        return sent


class UploadView(AudioFormView):
    """E31."""

    operations = UPLOAD_OPERATIONS
    required_scopes = {"POST": EPISODES_WRITE}
    parser_classes = [FormParser]

    def post(self, request: Request) -> Response:
        """201 with the address, which stays; the same bytes again have the same one."""
        sent = self.sent_audio(request)
        if sent is None:
            reason = "send the file in this part: curl -F audio=@episode.mp3"
            raise ValidationError({"audio": [reason]})
        asset = store_upload(account=account_of(request), sent=sent, now=timezone.now())
        return Response(
            {"success": True, **upload_object(asset, filename=sent.name)},
            status=status.HTTP_201_CREATED,
        )


class EpisodePublishView(NewEpisodeView):
    """E10, the flat form."""

    operations = PUBLISH_OPERATIONS
    required_scopes = {"POST": EPISODES_WRITE}

    def post(self, request: Request) -> Response:
        """201 with the new episode."""
        sent = self.audio_of(request)
        wanted = self.parsed_body(UploadedFlatEpisode if sent else NewFlatEpisode)
        return _created(request, show_id=wanted.pop("show_id"), wanted=wanted, sent=sent)


class EpisodeListView(ContractView):
    """E13, the flat list: the show is named by `?show_id=`."""

    operations = EPISODE_LIST_OPERATIONS
    required_scopes = {"GET": EPISODES_READ}

    def get(self, request: Request) -> Response:
        """A page of the show's episodes."""
        return _page(request, show_id=_show_id(request))


class ShowEpisodeListView(NewEpisodeView):
    """E11 and E12, nested under the show."""

    operations = SHOW_EPISODE_LIST_OPERATIONS
    required_scopes = {"GET": EPISODES_READ, "POST": EPISODES_WRITE}

    def get(self, request: Request, show_id: int) -> Response:
        """A page of the show's episodes."""
        return _page(request, show_id=show_id)

    def post(self, request: Request, show_id: int) -> Response:
        """201 with the new episode."""
        if is_form(request):  # before 200 MB are read
            get_show(account=account_of(request), show_id=show_id)
        sent = self.audio_of(request)
        wanted = self.parsed_body(UploadedEpisode if sent else NewEpisode)
        return _created(request, show_id=show_id, wanted=wanted, sent=sent)


class EpisodeView(ContractView):
    """E14 to E18; the nested forms also give the show, which has to be the episode's own."""

    operations = EPISODE_OPERATIONS
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


class KeepCopyView(ContractView):
    """Ours: takes the episode's outside audio into our storage, flat or nested under the show."""

    operations = KEEP_COPY_OPERATIONS
    required_scopes = {"GET": EPISODES_READ, "POST": EPISODES_WRITE}

    def get(self, request: Request, episode_id: int, show_id: int | None = None) -> Response:
        """How far it is."""
        copy = get_copy(account=account_of(request), episode_id=episode_id, show_id=show_id)
        return Response({"success": True, "copy": copy_object(copy)})

    def post(self, request: Request, episode_id: int, show_id: int | None = None) -> Response:
        """202: it is queued; asking again while it is under way changes nothing."""
        copy = keep_copy(
            account=account_of(request), episode_id=episode_id, show_id=show_id, now=timezone.now()
        )
        return Response(
            {"success": True, "copy": copy_object(copy)}, status=status.HTTP_202_ACCEPTED
        )


def _created(
    request: Request, *, show_id: int, wanted: dict[str, Any], sent: SentAudio | None
) -> Response:
    """201; `id`, `url` and `episode_url` also at the top, where some clients look."""
    account, now = account_of(request), timezone.now()
    if sent is None:
        episode = create_episode(
            account=account, show_id=show_id, draft=EpisodeDraft(**wanted), now=now
        )
    else:
        # A file is not stored for a show that is not there.
        get_show(account=account, show_id=show_id)
        with staged_upload(account=account, sent=sent, now=now) as asset:
            draft = EpisodeDraft(asset=asset, **wanted)
            episode = create_episode(account=account, show_id=show_id, draft=draft, now=now)
    address = episode_address(episode)
    return Response(
        {
            "success": True,
            "episode": episode_object(episode),
            "feed_url": feed_url(episode.show),
            "message": UPLOADED_MESSAGE if sent else publication_message(episode),
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
    show, total = get_listed_show(account=account_of(request), show_id=show_id, episode_state=state)
    episodes = episode_objects(show, state=state, limit=limit, offset=offset)
    return Response(
        {
            "success": True,
            "episodes": episodes,
            "count": len(episodes),
            "total": total,
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
