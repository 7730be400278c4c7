"""Byte ranges as the counting sees them: several in one header, open ones, and the union of many."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

Span = tuple[int, int]

_PART = re.compile(r"\s*(\d{0,18})-(\d{0,18})\s*\Z", re.ASCII)
#: More than any file has: the end of a range that is open, or of a file whose size is not known.
FAR = 1 << 62
_PROBE_BYTES = 2
#: Less than any server's boundary, Content-Type and Content-Range in front of a part.
_PART_HEAD = 80


@lru_cache(maxsize=4_096)
def requested_spans(header: str, size: int = FAR) -> tuple[Span, ...] | None:
    """The half-open spans of `size` bytes that a Range header asks for; None means the whole file.

    A header that cannot be parsed, or has another unit than bytes, is as good as absent; an end
    past the file is cut (contracts/analytics.md R5).
    """
    unit, _, text = header.partition("=")
    if unit.strip().lower() != "bytes" or not text:
        return None
    spans = []
    for part in text.split(","):
        found = _PART.match(part)
        if found is None or part.strip() == "-":
            return None
        first, last = found.groups()
        if not first:
            span = (max(0, size - int(last)), size)
        else:
            span = (int(first), min(int(last) + 1, size) if last else size)
            if last and int(last) < int(first):
                return None
        spans.append(span)
    return tuple(span for span in spans if span[0] < span[1])


def sent_parts(spans: Sequence[Span], sent: int) -> list[Span]:
    """What of several ranges arrived with `sent` bytes of one multipart/byteranges body.

    Servers send the parts in the order of the request, each behind a head of its own. Of a body
    that was broken off the last bytes may be a head that is longer than is taken for it here, so
    at most some fifty bytes a part too much count.
    """
    parts = []
    left = sent
    for start, end in spans:
        left -= _PART_HEAD
        if left <= 0:
            break
        parts.append((start, min(end, start + left)))
        left -= end - start
    return parts


def is_probe(header: str) -> bool:
    """True when no more than two distinct bytes are asked for (R3, R4)."""
    if not header:
        return False
    spans = requested_spans(header)
    return spans is not None and union_length(spans) <= _PROBE_BYTES


def merged(spans: Iterable[Span]) -> list[Span]:
    """Ascending spans that neither overlap nor touch."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            if end > result[-1][1]:
                result[-1] = (result[-1][0], end)
        elif end > start:
            result.append((start, end))
    return result


def union_length(spans: Iterable[Span], *, low: int = 0, high: int = FAR) -> int:
    """How many distinct bytes from `low` to `high` (exclusive) the spans hold (R12)."""
    return sum(max(0, min(end, high) - max(start, low)) for start, end in merged(spans))
