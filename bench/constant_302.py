"""A WSGI application that answers a constant 302: the floor of redirect.py."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response(
        "302 Found",
        [
            ("Location", "https://cdn.example.com/episode-001.mp3"),
            ("Cache-Control", "private, no-store"),
            ("Content-Length", "0"),
        ],
    )
    return [b""]
