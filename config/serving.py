"""Puts what answers HTTP together: the door, the crew behind it, and Django in the house."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.core.wsgi import get_wsgi_application

#: More than any body that is read into memory; the parsers have limits of their own.
CHUNKED_BODY_LIMIT = "300000000"


def make_application() -> WSGIApplication:
    """Listeners are answered at the door, ahead of Django; everybody else comes into the house.

    Raises `config.env.BadSetting` for settings that Django cannot start with.
    """
    django = get_wsgi_application()
    # Only now: they need Django to be set up.
    from config.crew import Crew  # noqa: PLC0415
    from edge.door import before  # noqa: PLC0415

    def house(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Django's application, told about bodies that come in chunks.

        Such a request has no length, which Django takes for an empty body. A server that sets
        `wsgi.input_terminated` ends the stream itself, so any length that is large enough is right.
        """
        if environ.get("wsgi.input_terminated") and "HTTP_TRANSFER_ENCODING" in environ:
            environ.setdefault("CONTENT_LENGTH", CHUNKED_BODY_LIMIT)
        return django(environ, start_response)

    crew = Crew(house)
    return before(crew.answer, aside=crew.run)
