"""A stored file at the door: from the disk in parts, through the proxy, or away to the object store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import lru_cache, partial

import structlog
from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage

from analytics.delivery import Answer as MediaAnswer
from analytics.delivery import media_answer, redirect_answer
from analytics.hits import Hit, HitKind
from analytics.listening import HitRecorder, Listening, UsualHits
from core.storage import media_url
from edge.answers import Answer, bare_refusal, make_answer
from edge.file_part import PIECE_BYTES, FilePart
from edge.shelf import Entry
from episodes.media import MediaFile

log = structlog.get_logger(__name__)

#: A signed address is good for a day; after an hour listeners get a fresh one.
_SIGNED_SECONDS = 3_600.0
#: Headers of an answer with X-Accel-Redirect that nginx passes on, or that its configuration may.
_KEPT_BY_NGINX = ("Content-Type", "Cache-Control", "Content-Security-Policy")
#: Apps ask for the whole file or its first bytes, nearly all with the same headers.
_MOST_PARTS = 16
_LONGEST_HEADERS = 200
#: What one of these answers takes in memory, with its headers and those of the request.
_PART_BYTES = 1_600
_LOST = bare_refusal(404, {"Cache-Control": "no-store"})


@lru_cache(maxsize=64)
def _environ_name(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")


class RequestHeaders:
    """A WSGI environment, looked up by the usual names of headers."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, object]) -> None:
        self._environ = environ

    def get(self, name: str) -> str | None:
        """The header's value, None without one."""
        value = self._environ.get(_environ_name(name))
        return None if value is None else str(value)


class MediaEntry:
    """One stored file; a GET of published audio is one hit."""

    __slots__ = (
        "_file",
        "_parts",
        "_path",
        "_recorder",
        "_signed",
        "_signed_until",
        "_usual",
        "_weigh",
        "address",
        "slot",
        "stamp",
        "used",
        "weight",
    )

    def __init__(
        self, file: MediaFile, recorder: HitRecorder, weigh: Callable[[Entry], bool]
    ) -> None:
        """`weigh` is called when the weight has changed, and tells whether there is room for it."""
        self._file = file
        self._recorder = recorder
        self._weigh = weigh
        #: None in an object store. Found out once: storage is slow to ask.
        self._path = (
            default_storage.path(file.storage_key)
            if isinstance(default_storage, FileSystemStorage)
            else None
        )
        self._signed = ""
        self._signed_until = 0.0
        #: What some requests are answered, by all that it depends on.
        self._parts: dict[tuple[object, ...], MediaAnswer] = {}
        #: By status.
        self._usual: dict[int, UsualHits] = {}
        self.address = ""
        self.slot = self.stamp = self.weight = 0
        self.used = True

    def answer(self, environ: Mapping[str, object]) -> Answer:
        """The file, a part of it, or where it is."""
        if self._path is None:
            return self._from_object_store(environ)
        if settings.MEDIA_ACCEL:
            return self._through_proxy(environ)
        return self._from_disk(environ, self._path)

    def kept(self, is_current: Callable[[], bool]) -> None:
        """There is nothing that a web server could send by itself."""

    def measure(self) -> int:
        """Bytes of memory that the answers take which requests brought with them."""
        return len(self._parts) * _PART_BYTES

    def shed(self) -> None:
        """Give up these answers."""
        self._parts = {}

    def _from_disk(self, environ: Mapping[str, object], path: str) -> Answer:
        try:
            # Without Python's buffer, which would cost as much as the rest of a short answer.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            log.error("media_file_unreadable", error=type(error).__name__)  # noqa: TRY400 - said
            return _LOST
        try:
            answer = self._part(environ, size=os.fstat(descriptor).st_size)
            if environ["REQUEST_METHOD"] == "HEAD" or answer.length == 0:
                self._note_usual(environ, answer)
                return make_answer(answer.status, answer.headers)
            if answer.length <= PIECE_BYTES:
                piece = os.pread(descriptor, answer.length, answer.start)
                # The server takes the one piece at once, as it does each piece of a longer body.
                self._note_usual(environ, answer, sent=len(piece))
                return make_answer(answer.status, answer.headers, [piece])
            hit = self._note(environ, answer)
            source, descriptor = os.fdopen(descriptor, "rb"), -1
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        sent = partial(self._note_sent, hit)
        part = FilePart(source, start=answer.start, length=answer.length, on_end=sent)
        return make_answer(answer.status, answer.headers, part)

    def _through_proxy(self, environ: Mapping[str, object]) -> Answer:
        """Leave the sending to nginx, which takes care of ranges and validators by itself."""
        answer = self._part(environ, size=self._file.bytes)
        self._note_usual(environ, answer)
        headers = {name: answer.headers[name] for name in _KEPT_BY_NGINX if name in answer.headers}
        headers["X-Accel-Redirect"] = f"{settings.MEDIA_ACCEL}/{self._file.storage_key}"
        return make_answer(200, headers)

    def _from_object_store(self, environ: Mapping[str, object]) -> Answer:
        """Send the listener to the store; a HEAD is answered here, as signed addresses know only GET."""
        if environ["REQUEST_METHOD"] == "HEAD":
            answer = self._part(environ, size=self._file.bytes)
            return make_answer(answer.status, answer.headers)
        answer = redirect_answer(self._location())
        self._note_usual(environ, answer)
        return make_answer(answer.status, answer.headers)

    def _part(self, environ: Mapping[str, object], *, size: int) -> MediaAnswer:
        method, wanted = environ["REQUEST_METHOD"], environ.get("HTTP_RANGE")
        none_match, if_range = environ.get("HTTP_IF_NONE_MATCH"), environ.get("HTTP_IF_RANGE")
        key = method, size, none_match, if_range, wanted
        answer = self._parts.get(key)
        if answer is None:
            answer = media_answer(
                self._file, size=size, method=str(method), request_headers=RequestHeaders(environ)
            )
            headers = f"{none_match}{if_range}{wanted}"
            if len(self._parts) < _MOST_PARTS and len(headers) < _LONGEST_HEADERS:
                self._parts[key] = answer
                if not self._weigh(self):
                    self.shed()
                    self._weigh(self)
        return answer

    def _location(self) -> str:
        if settings.PUBLIC_MEDIA_URL:
            return media_url(self._file.storage_key)
        if time.monotonic() >= self._signed_until:
            self._signed = default_storage.url(  # type: ignore[call-arg] # the S3 storage's own signature
                self._file.storage_key, parameters={"ResponseContentType": self._file.mime_type}
            )
            self._signed_until = time.monotonic() + _SIGNED_SECONDS
        return self._signed

    def _note_usual(
        self, environ: Mapping[str, object], answer: MediaAnswer, *, sent: int = 0
    ) -> None:
        """Note a hit, with the bytes that go out at once; 0 if somebody else sends them."""
        if environ["REQUEST_METHOD"] != "GET":
            return
        hits = self._usual.get(answer.status)
        if hits is None:
            listening = self._listening(answer.status)
            if listening is None:
                return
            hits = self._usual[answer.status] = UsualHits(self._recorder, listening)
        now = time.time_ns() // 1_000_000
        hits.note(environ, time_ms=now, start=answer.start, length=answer.length, sent=sent)

    def _note(self, environ: Mapping[str, object], answer: MediaAnswer) -> Hit | None:
        listening = self._listening(answer.status, start=answer.start, length=answer.length)
        if environ["REQUEST_METHOD"] != "GET" or listening is None:
            return None
        return self._recorder.note(environ, listening, time_ms=time.time_ns() // 1_000_000)

    def _listening(self, status: int, *, start: int = 0, length: int = 0) -> Listening | None:
        """What is counted; None for what is no published audio."""
        file = self._file
        if file.episode_id is None or file.show_id is None:
            return None
        return Listening(
            kind=HitKind.MEDIA,
            episode_id=file.episode_id,
            show_id=file.show_id,
            asset_id=file.asset_id,
            status=status,
            answer_start=start,
            answer_length=length,
        )

    def _note_sent(self, hit: Hit | None, sent: int) -> None:
        if hit is not None and sent > 0:
            self._recorder.note_delivered(hit, sent)
