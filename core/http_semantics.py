"""HTTP's rules for conditional, ranged and negotiated answers (RFC 9110), as pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_ONE_RANGE = re.compile(r"(\d*)-(\d*)", re.ASCII)
_QUALITY = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)\Z", re.ASCII | re.IGNORECASE)
#: A header that is longer than this lists more than any client has a reason to.
_LONGEST_LIST = 4_096


@dataclass(frozen=True, slots=True)
class ByteRange:
    """`length` bytes from `start` on; both fit the file."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """The Content-Range of this part of a file of `size` bytes."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


class RangeUnsatisfiable(Exception):
    """The range lies outside the file: answer 416 with `Content-Range: bytes */size`."""


def none_match_hits(header: str | None, *entity_tags: str) -> bool:
    """True when If-None-Match names one of `entity_tags` (weak comparison) or is `*`: answer 304."""
    if not header:
        return False
    if header.strip() == "*":
        return True
    held = {_opaque(tag) for tag in _ENTITY_TAG.findall(header[:_LONGEST_LIST])}
    return any(_opaque(tag) in held for tag in entity_tags)


def range_still_valid(if_range: str | None, entity_tag: str) -> bool:
    """True when a Range may be honoured: no If-Range, or exactly this strong entity tag.

    A date never matches, since we send no Last-Modified: the client then gets the whole file.
    """
    return not if_range or if_range.strip() == entity_tag


def requested_range(header: str | None, *, size: int) -> ByteRange | None:
    """The one part of `size` bytes that a Range header asks for; None means the whole file.

    A header that cannot be parsed, has another unit, or lists several ranges is as good as absent,
    which RFC 9110 section 14.2 allows. Raises `RangeUnsatisfiable`.
    """
    if not header or len(header) > _LONGEST_LIST:
        return None
    unit, _, text = header.partition("=")
    found = _ONE_RANGE.fullmatch(text.strip())
    if unit.strip().lower() != "bytes" or found is None:
        return None
    first, last = found.groups()
    # Longer numbers than any file needs are not worth the conversion.
    if max(len(first), len(last)) > 20 or not (first or last):  # noqa: PLR2004
        return None
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise RangeUnsatisfiable
        return ByteRange(size - length, length)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise RangeUnsatisfiable
    end = min(int(last), size - 1) if last else size - 1
    return ByteRange(start, end - start + 1)


def accepts_gzip(accept_encoding: str | None) -> bool:
    """True when the client named gzip (or `*`) with a quality above 0 and not below identity's."""
    if not accept_encoding:
        return False
    qualities = _qualities(accept_encoding)
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def wants_html(accept: str | None) -> bool:
    """True when Accept names text/html: a browser, and so a person, is looking."""
    return bool(accept) and _qualities(accept or "").get("text/html", 0.0) > 0


def _qualities(header: str) -> dict[str, float]:
    """The listed values in lower case, each with its quality; a broken quality counts as 1."""
    qualities: dict[str, float] = {}
    for part in header[:_LONGEST_LIST].split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name:
            qualities[name.lower()] = _quality(parameters)
    return qualities


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        found = _QUALITY.match(parameter)
        if found:
            return min(float(found[1]), 1.0)
    return 1.0


def _opaque(entity_tag: str) -> str:
    return entity_tag.removeprefix("W/")
