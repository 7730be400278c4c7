"""Builds Django responses from a status, exactly the given headers, and bytes."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse


def bare_response(
    status: int, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> HttpResponse:
    """A response without the Content-Type that Django adds of itself.

    A redirect or a 304 that calls an audio file text/html confuses players and caches.
    """
    response = HttpResponse(body, status=status, headers=dict(headers or {}))
    if "Content-Type" not in (headers or {}):
        del response.headers["Content-Type"]
    return response
