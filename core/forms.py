"""Reads multipart forms from strangers: short texts into memory, one file as a stream to disk."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.exceptions import (
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.datastructures import MultiValueDict
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.parsers import BaseParser, DataAndFiles
from rest_framework.request import Request

from core.errors import TooLarge

#: Texts, part headers and boundaries beside the file: the texts' own limit is Django's.
MAX_FORM_OVERHEAD = 4_000_000
#: Enough for the closing boundary (at most 200 characters) and what may follow it.
_TAIL_BYTES = 1_024
_REPLACEMENT = "\ufffd"


class LengthRequired(APIException):
    """A form with neither a Content-Length nor chunks."""

    status_code = 411
    default_detail = "Send the form with a Content-Length header."
    default_code = "length_required"


class FileTooLarge(TooLarge):
    """The file is over the limit of the call."""

    code = "file_too_large"


@dataclass(frozen=True, slots=True)
class FilePart:
    """The one file that a form may hold: the name of its part, and its largest size in bytes."""

    name: str
    max_bytes: int

    def refusal(self) -> FileTooLarge:
        """What to raise when a file is larger."""
        return FileTooLarge(
            f"{self.name}: the file is too large; the limit is {self.max_bytes >> 20} MB.",
            field=self.name,
        )


if TYPE_CHECKING:
    # Generic for the type checker only.
    _UploadedFile = UploadedFile[bytes]
    _DataAndFiles = DataAndFiles[MultiValueDict[str, str], MultiValueDict[str, _UploadedFile]]
else:
    _UploadedFile, _DataAndFiles = UploadedFile, DataAndFiles


class ReceivedFile(_UploadedFile):
    """A file that has arrived whole; it is on disk without a name, and gone when it is closed."""

    def __init__(self, content: IO[bytes], *, name: str, size: int, sha256: str) -> None:
        super().__init__(file=content, name=name, size=size)
        self.sha256 = sha256


class FormParser(BaseParser):
    """multipart/form-data for views that say with `file_part` which file they take.

    Gives each text once, without the empty ones, and at most one `ReceivedFile`, which the end of
    the request closes. Files in other parts are read and dropped, as unknown fields are.
    """

    media_type = "multipart/form-data"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> _DataAndFiles:
        """The form; raises `FileTooLarge`, `LengthRequired`, `ParseError` or `ValidationError`."""
        context = parser_context or {}
        part: FilePart = context["view"].file_part
        meta = context["request"].META
        # A body in chunks has no length; its end shows in the form itself.
        length = None if "HTTP_TRANSFER_ENCODING" in meta else _content_length(meta)
        limit = part.max_bytes + MAX_FORM_OVERHEAD
        if length is not None and length > limit:
            raise part.refusal()
        body = _WholeBody(stream, length=length, part=part, limit=limit)
        handler = _OneFileHandler(part)
        try:
            form = MultiPartParser(meta, cast("Any", body), [handler], "utf-8")
            texts, files = form.parse()
            body.check_end(media_type or "")
            return _DataAndFiles(_fields(texts), files)
        except BaseException as error:
            handler.close()
            if isinstance(error, (MultiPartParserError, SuspiciousOperation)):
                raise _refusal_of(error) from None
            raise


def is_form(request: Request) -> bool:
    """Whether the body is a multipart form; reads nothing of it."""
    return bool(request.content_type.lower().startswith(FormParser.media_type))


def _content_length(meta: Mapping[str, Any]) -> int:
    text = str(meta.get("CONTENT_LENGTH") or "")
    if not (text.isascii() and text.isdigit()):
        raise LengthRequired
    return int(text)


def _refusal_of(error: Exception) -> Exception:
    if isinstance(error, RequestDataTooBig):
        return TooLarge(
            f"The texts of the form are too large; the limit is "
            f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes in all."
        )
    if isinstance(error, (TooManyFieldsSent, TooManyFilesSent)):
        return ParseError("The form has too many parts.")
    return ParseError("The body is not a valid multipart form.")


def _fields(texts: QueryDict) -> MultiValueDict[str, str]:
    """Each text once; an empty one counts as left out, as browsers send it for an empty field."""
    fields: MultiValueDict[str, str] = MultiValueDict()
    for name, values in texts.lists():
        if len(values) > 1:
            raise ValidationError({name: ["is given more than once"]})
        # What is not UTF-8 arrives as this character.
        if _REPLACEMENT in values[0]:
            raise ValidationError({name: ["is not valid UTF-8"]})
        if values[0]:
            fields[name] = values[0]
    return fields


class _WholeBody:
    """The request's body, which has to be as long as announced and end with its closing boundary."""

    def __init__(self, stream: IO[Any], *, length: int | None, part: FilePart, limit: int) -> None:
        self._stream = stream
        self._left = limit if length is None else length
        self._has_length = length is not None
        self._part = part
        self._tail = b""

    def read(self, size: int) -> bytes:
        """The next bytes; raises `ParseError` when the sender has gone before the end."""
        if not self._left:
            if self._has_length:
                return b""
            raise self._part.refusal()
        piece: bytes = self._stream.read(min(size, self._left))
        if not piece and self._has_length:
            raise ParseError("The body ended before its Content-Length.")
        self._left -= len(piece)
        self._tail = (self._tail + piece)[-_TAIL_BYTES:]
        return piece

    def check_end(self, content_type: str) -> None:
        """Raise `ParseError` unless the form's last boundary was there."""
        boundary = parse_header_parameters(content_type)[1].get("boundary", "")
        if f"--{boundary}--".encode() not in self._tail:
            raise ParseError("The form is cut off: its closing boundary is missing.")


class _OneFileHandler(FileUploadHandler):
    """Writes the wanted file to an unlinked temporary file and counts and hashes it on the way."""

    def __init__(self, part: FilePart) -> None:
        super().__init__()
        self._part = part
        self._content: IO[bytes] | None = None
        self._size = 0
        self._digest = hashlib.sha256()

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        """Begin the wanted file; raises `SkipFile` for others."""
        super().new_file(field_name, *args, **kwargs)
        if field_name != self._part.name:
            raise SkipFile
        if self._content is not None:
            raise ValidationError({field_name: ["is given more than once"]})
        folder = settings.DATA_DIR / "work"
        folder.mkdir(parents=True, exist_ok=True)
        # Without a name: the system removes it however this process ends.
        self._content = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - handed on when complete

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Write one piece; raises `FileTooLarge`."""
        if self._content is None:
            return raw_data
        self._size += len(raw_data)
        if self._size > self._part.max_bytes:
            raise self._part.refusal()
        self._digest.update(raw_data)
        self._content.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> ReceivedFile | None:
        """The file, rewound."""
        if self._content is None:
            return None
        self._content.seek(0)
        return ReceivedFile(
            self._content,
            name=self.file_name or "",
            size=self._size,
            sha256=self._digest.hexdigest(),
        )

    def close(self) -> None:
        """Let the file go when the form is refused."""
        if self._content is not None:
            self._content.close()
