"""Lets Django work on few threads of its own, while the server's many threads wait for clients.

A thread of the server is held as long as its client sends or takes bytes, which a slow or hostile
one can draw out at will. So the server has many threads, and none of them uses the database: what
needs it is done by a crew, whose number bounds the connections. A short body is there as a whole
before the crew sees the request. Long ones have a crew to themselves: whoever draws out an upload
keeps other uploads waiting, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import ParamSpec, TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.db import close_old_connections
from django.http import HttpResponse

#: Each may hold a connection to the database; PostgreSQL allows a hundred if nobody says otherwise.
USUAL_THREADS = 16
UPLOAD_THREADS = 8
#: Held in memory once for each thread of the server, at most.
SHORT_BODY_BYTES = 262_144
_LONGEST_LENGTH = 19

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Crew:
    """Runs the application, and whatever else needs the database, for threads that must not."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._usual = ThreadPoolExecutor(USUAL_THREADS, "crew")
        self._uploads = ThreadPoolExecutor(UPLOAD_THREADS, "uploads")

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI callable: the application's answer, made by one of the crew."""
        length = _body_length(environ)
        pool = self._usual
        if length is None or length > SHORT_BODY_BYTES:
            pool = self._uploads
        elif length:
            environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length))
        return pool.submit(self._answer, environ, start_response).result()

    def run(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What `work` gives or raises, with a usable connection to the database."""
        return self._usual.submit(lambda: _with_database(work, *args, **kwargs)).result()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = self._application(environ, start_response)
        if not isinstance(response, HttpResponse):
            # Streams are of files, which the server's own thread reads as fast as its client takes.
            return response
        content = response.content
        # Tells Django that the request is over, on the thread whose connection that is about.
        response.close()
        return [content]


def _with_database(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    close_old_connections()
    try:
        return work(*args, **kwargs)
    finally:
        close_old_connections()


def _body_length(environ: WSGIEnvironment) -> int | None:
    """The bytes that are announced; None for a body without a length, or with a broken one."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    text = str(environ.get("CONTENT_LENGTH") or "0")
    usual = len(text) <= _LONGEST_LENGTH and text.isascii() and text.isdigit()
    return int(text) if usual else None
