"""The two addresses at which listening is seen: /api/track/<episode> and /media/<key>."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import IO

import structlog
from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.views.decorators.csrf import csrf_exempt

from analytics.delivery import (
    METHODS,
    PREFLIGHT_HEADERS,
    Answer,
    media_answer,
    redirect_answer,
)
from analytics.descriptions import TRACK_OPERATIONS, TRACK_PARAMETERS
from analytics.hits import Hit, HitKind
from analytics.listening import Listening, note_delivered, note_listening
from core.bare_response import bare_response
from core.openapi import described
from core.podclaw import error_body
from episodes.addresses import find_published_audio
from episodes.media import MediaFile, find_media, media_url

log = structlog.get_logger(__name__)

#: Pieces of a streamed file: large enough to be fast, small enough to forget.
PIECE_BYTES = 65_536


@described("/api/track/{episode}", TRACK_OPERATIONS, parameters=TRACK_PARAMETERS)
@csrf_exempt
def track(request: HttpRequest, reference: str) -> HttpResponse:
    """302 to the audio of a published episode, one hit for every GET.

    `reference` is an integer id, which exists for public shows only, or a public id (`ep_...`).
    """
    if request.method == "OPTIONS":
        return bare_response(204, PREFLIGHT_HEADERS)
    if request.method not in {"GET", "HEAD"}:
        return JsonResponse(
            error_body("Method not allowed"), status=405, headers={"Allow": METHODS}
        )
    audio = find_published_audio(reference)
    if audio is None:
        return JsonResponse(
            error_body("Episode not found"), status=404, headers={"Cache-Control": "no-store"}
        )
    answer = redirect_answer(iri_to_uri(audio.address))
    note_listening(
        request.META,
        Listening(
            kind=HitKind.TRACK,
            episode_id=audio.episode_id,
            show_id=audio.show_id,
            asset_id=audio.asset_id,
            status=answer.status,
        ),
        now=timezone.now(),
    )
    return bare_response(answer.status, answer.headers)


@csrf_exempt
def media(request: HttpRequest, key: str) -> HttpResponseBase:
    """A stored audio file or document; a GET of published audio is one hit."""
    if request.method == "OPTIONS":
        return bare_response(204, PREFLIGHT_HEADERS)
    if request.method not in {"GET", "HEAD"}:
        return bare_response(405, {"Allow": METHODS})
    file = find_media(key)
    if file is None:
        return bare_response(404, {"Cache-Control": "no-store"})
    if isinstance(default_storage, FileSystemStorage):
        return _from_disk(request, file)
    return _from_object_store(request, file)


def _from_disk(request: HttpRequest, file: MediaFile) -> HttpResponseBase:
    try:
        source = default_storage.open(file.storage_key, "rb")
    except OSError:
        log.exception("media_file_unreadable", key=file.storage_key)
        return bare_response(404, {"Cache-Control": "no-store"})
    answer = media_answer(
        file, size=source.size, method=request.method or "", request_headers=request.headers
    )
    hit = _note_media(request, file, answer)
    if request.method == "HEAD" or answer.length == 0:
        source.close()
        return bare_response(answer.status, answer.headers)
    part = FilePart(
        source, start=answer.start, length=answer.length, on_end=partial(note_delivered, hit)
    )
    return StreamingHttpResponse(part, status=answer.status, headers=answer.headers)


def _from_object_store(request: HttpRequest, file: MediaFile) -> HttpResponse:
    """Send the listener to the store; a HEAD is answered here, as signed addresses know only GET."""
    if request.method == "HEAD":
        answer = media_answer(file, size=file.bytes, method="HEAD", request_headers=request.headers)
        return bare_response(answer.status, answer.headers)
    if settings.PUBLIC_MEDIA_URL:
        location = media_url(file.storage_key)
    else:
        location = default_storage.url(  # type: ignore[call-arg] # the S3 storage's own signature
            file.storage_key,
            parameters={"ResponseContentType": file.mime_type},
        )
    answer = redirect_answer(location)
    _note_media(request, file, answer)
    return bare_response(answer.status, answer.headers)


def _note_media(request: HttpRequest, file: MediaFile, answer: Answer) -> Hit | None:
    if file.episode_id is None or file.show_id is None:
        return None
    return note_listening(
        request.META,
        Listening(
            kind=HitKind.MEDIA,
            episode_id=file.episode_id,
            show_id=file.show_id,
            asset_id=file.asset_id,
            status=answer.status,
            answer_start=answer.start,
            answer_length=answer.length,
        ),
        now=timezone.now(),
    )


class FilePart:
    """Iterates over `length` bytes of an open file from `start` on, in pieces; closes it in the end.

    `on_end` is told once how many bytes were sent: a piece counts when the server comes for what
    follows it, so one that a client no longer took does not. Not a generator: one that is never
    begun, as for a client that is gone at once, never closes its file.
    """

    def __init__(
        self, source: IO[bytes], *, start: int, length: int, on_end: Callable[[int], None]
    ) -> None:
        source.seek(start)
        self._source = source
        self._left = length
        self._on_end = on_end
        self._sent = self._on_its_way = 0
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._sent += self._on_its_way
        self._on_its_way = 0
        piece = self._source.read(min(PIECE_BYTES, self._left)) if self._left else b""
        if not piece:
            self.close()
            raise StopIteration
        self._left -= len(piece)
        self._on_its_way = len(piece)
        return piece

    def close(self) -> None:
        """Close the file and tell what was sent; a second call does nothing."""
        self._source.close()
        self._left = 0
        if not self._ended:
            self._ended = True
            self._on_end(self._sent)
