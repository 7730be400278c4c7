"""The door's addresses: which of its five kinds a path is, and how that kind refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from analytics.delivery import CORS_HEADERS
from edge.answers import METHODS, Answer, bare_refusal, json_refusal

_LARGEST_PAGE_DIGITS = 6


class Kind(Enum):
    """What an address leads to."""

    PUBLIC_FEED = "public_feed"
    PRIVATE_FEED = "private_feed"
    TRACK = "track"
    TRAILER = "trailer"
    MEDIA = "media"


@dataclass(frozen=True, slots=True)
class Route:
    """One kind of address, with its refusals ready."""

    kind: Kind
    pattern: re.Pattern[str]
    missing: Answer
    not_allowed: Answer
    unavailable: Answer


_NO_STORE = {"Cache-Control": "no-store"}
_ALLOW = {"Allow": METHODS}
_RETRY = {"Retry-After": "5", **_NO_STORE, **CORS_HEADERS}


_ENDED_HEADERS = {**_NO_STORE, **CORS_HEADERS}
#: A feed that its owner ended: apps unsubscribe (contracts/rss.md 1.8).
PUBLIC_FEED_ENDED = json_refusal(410, "This show has ended", _ENDED_HEADERS)
PRIVATE_FEED_ENDED = bare_refusal(410, _ENDED_HEADERS)


def _api_route(kind: Kind, pattern: str, missing: str) -> Route:
    return Route(
        kind,
        re.compile(pattern),
        missing=json_refusal(404, missing, _NO_STORE),
        not_allowed=json_refusal(405, "Method not allowed", _ALLOW),
        unavailable=json_refusal(503, "Temporarily unavailable", _RETRY),
    )


def _bare_route(kind: Kind, pattern: str) -> Route:
    return Route(
        kind,
        re.compile(pattern),
        missing=bare_refusal(404, _NO_STORE),
        not_allowed=bare_refusal(405, _ALLOW),
        unavailable=bare_refusal(503, _RETRY),
    )


_ROUTES = (
    _api_route(Kind.PUBLIC_FEED, r"/api/(?:v1/)?shows/([0-9]+)/feed", "Show not found"),
    _bare_route(Kind.PRIVATE_FEED, r"/feeds/(podcast_[0-9a-f]{16})\.xml"),
    # The extension is for the players: whatever it is, the episode is the same.
    _api_route(
        Kind.TRACK,
        r"/api/(?:v1/)?track/([0-9]{1,19}|ep_[A-Za-z0-9]{1,29})(?:\.[A-Za-z0-9]{1,5})?",
        "Episode not found",
    ),
    _api_route(Kind.TRAILER, r"/api/(?:v1/)?shows/([0-9]{1,19})/trailer\.mp3", "Trailer not found"),
    _bare_route(Kind.MEDIA, r"/media/([A-Za-z0-9][A-Za-z0-9._/-]{0,499})"),
)


def find_route(path: str) -> tuple[Route, str] | None:
    """The route of `path` and the reference in it; None for addresses that are not the door's."""
    for route in _ROUTES:
        match = route.pattern.fullmatch(path)
        if match:
            return route, match[1]
    return None


def page_number(query: str) -> int | None:
    """The `page` of a query string, 1 without one; None for what is no number of a page."""
    found = [
        part.partition("=")[2] for part in query.split("&") if part.partition("=")[0] == "page"
    ]
    if not found:
        return 1
    text = found[-1]
    if not (text.isascii() and text.isdigit()) or len(text) > _LARGEST_PAGE_DIGITS:
        return None
    return int(text) or None
