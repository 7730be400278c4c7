"""What the door says: a status line, headers and bytes, ready for any WSGI server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from analytics.delivery import CORS_HEADERS
from core.podclaw import error_body

METHODS = "GET, HEAD, OPTIONS"
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_PREFLIGHT_HEADERS = {
    **CORS_HEADERS,
    "Allow": METHODS,
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "Accept, If-None-Match, If-Range, Range, X-Requested-With",
    "Access-Control-Max-Age": "86400",
}


class Answer(NamedTuple):
    """One answer. Its headers may be shared by many requests: nobody changes the list."""

    status: str
    headers: list[tuple[str, str]]
    body: Iterable[bytes] = []


def make_answer(
    status: int, headers: Mapping[str, str], body: Iterable[bytes] | None = None
) -> Answer:
    """An answer with the reason phrase that HTTP knows for the status."""
    return Answer(status_line(status), list(headers.items()), [] if body is None else body)


def status_line(status: int) -> str:
    """The status with the reason phrase that HTTP knows for it."""
    return _STATUS_LINES[status]


def json_refusal(status: int, message: str, headers: Mapping[str, str]) -> Answer:
    """A refusal in the PodClaw form, for addresses below /api."""
    body = json.dumps(error_body(message)).encode()
    return make_answer(
        status,
        {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers},
        [body],
    )


def bare_refusal(status: int, headers: Mapping[str, str]) -> Answer:
    """A refusal without a body: apps take no page for a feed or for sound."""
    return make_answer(status, {"Content-Length": "0", **headers})


#: To OPTIONS on every address of the door.
PREFLIGHT = make_answer(204, _PREFLIGHT_HEADERS)
