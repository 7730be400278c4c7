"""Reads a file that is the whole body of a request, as a stream to disk."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, DataAndFiles

from core.forms import FilePart, ReceivedFile

if TYPE_CHECKING:
    # Generic for the type checker only.
    _DataAndFiles = DataAndFiles[dict[str, str], MultiValueDict[str, UploadedFile[bytes]]]
else:
    _DataAndFiles = DataAndFiles

_PIECE_BYTES = 65_536


class RawFileParser(BaseParser):
    """Any body, whatever its Content-Type, for views that say with `file_part` how large it may be.

    Gives one `ReceivedFile` under the part's name, which the view closes.
    """

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> _DataAndFiles:
        """The file; raises `core.forms.FileTooLarge`, or `ParseError` for a body that breaks off."""
        context = parser_context or {}
        part: FilePart = context["view"].file_part
        meta = context["request"].META
        # A body in chunks has no length; the server ends its stream.
        length = None if "HTTP_TRANSFER_ENCODING" in meta else int(meta["CONTENT_LENGTH"])
        if length is not None and length > part.max_bytes:
            raise part.refusal()
        received = _received(stream, part)
        if length is not None and received.size != length:
            received.close()
            raise ParseError("The body ended before its Content-Length.")
        return _DataAndFiles({}, MultiValueDict({part.name: [received]}))


def _received(stream: IO[Any], part: FilePart) -> ReceivedFile:
    folder = settings.DATA_DIR / "work"
    folder.mkdir(parents=True, exist_ok=True)
    # Without a name: the system removes it however this process ends.
    content = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - handed on when complete
    try:
        return _copied(stream, content, part)
    except BaseException:
        content.close()
        raise


def _copied(stream: IO[Any], content: IO[bytes], part: FilePart) -> ReceivedFile:
    digest = hashlib.sha256()
    size = 0
    while piece := stream.read(min(_PIECE_BYTES, part.max_bytes + 1 - size)):
        size += len(piece)
        if size > part.max_bytes:
            raise part.refusal()
        digest.update(piece)
        content.write(piece)
    content.seek(0)
    return ReceivedFile(content, name=part.name, size=size, sha256=digest.hexdigest())
