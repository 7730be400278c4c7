"""What to answer for an episode's audio and media files: pure rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from core.http_semantics import (
    RangeUnsatisfiable,
    none_match_hits,
    range_still_valid,
    requested_range,
)
from episodes.media import MediaFile

#: Web players of any site may read feeds, audio, transcripts and chapters (contracts/rss.md 1.7).
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Length, Content-Range, ETag",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_YEAR = 31_536_000
#: A stored document shows itself and nothing else: no script, no request, no form.
_DOCUMENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class Headers(Protocol):
    """A request's headers by their usual spelling (`If-None-Match`)."""

    def get(self, name: str, /) -> str | None:
        """The header's value, None without one."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers, and which `length` bytes of the file from `start` on are the body."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    start: int = 0
    length: int = 0


def redirect_answer(location: str) -> Answer:
    """302 that no cache keeps, so that every play passes here (contracts/analytics.md R61)."""
    headers = {"Location": location, "Cache-Control": "private, no-store", **CORS_HEADERS}
    return Answer(302, {**headers, "Content-Length": "0"})


def media_answer(file: MediaFile, *, size: int, method: str, request_headers: Headers) -> Answer:
    """The answer to a GET or HEAD for `file`, which is `size` bytes long now."""
    visibility = "private" if file.is_private else "public"
    headers = {
        "ETag": file.entity_tag,
        "Cache-Control": f"{visibility}, max-age={_YEAR}, immutable",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        **CORS_HEADERS,
    }
    if none_match_hits(request_headers.get("If-None-Match"), file.entity_tag):
        return Answer(304, headers)
    # Without it browsers guess, and our pages are UTF-8.
    charset = "; charset=utf-8" if file.mime_type == "text/html" else ""
    headers["Content-Type"] = file.mime_type + charset
    if file.asset_id is None:
        headers["Content-Security-Policy"] = _DOCUMENT_POLICY
    part = None
    if method == "GET" and range_still_valid(request_headers.get("If-Range"), file.entity_tag):
        try:
            part = requested_range(request_headers.get("Range"), size=size)
        except RangeUnsatisfiable:
            headers |= {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
            return Answer(416, headers)
    if part is None:
        return Answer(200, {**headers, "Content-Length": str(size)}, 0, size)
    headers |= {"Content-Range": part.content_range(size), "Content-Length": str(part.length)}
    return Answer(206, headers, part.start, part.length)
