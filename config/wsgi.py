"""The WSGI application that granian or gunicorn serves."""

import multiprocessing
import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.wsgi import get_wsgi_application

from config.env import BadSetting
from core.parent import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

#: More than any body that is read into memory; the parsers have limits of their own.
CHUNKED_BODY_LIMIT = "300000000"


def house(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Django's application, told about bodies that come in chunks.

    Such a request has no length, which Django takes for an empty body. A server that sets
    `wsgi.input_terminated` ends the stream itself, so any length that is large enough is right.
    """
    if environ.get("wsgi.input_terminated") and "HTTP_TRANSFER_ENCODING" in environ:
        environ.setdefault("CONTENT_LENGTH", CHUNKED_BODY_LIMIT)
    return _django(environ, start_response)


# Under granian this is a child process, which must not outlive the server that started it.
end_with_parent(always=multiprocessing.parent_process() is not None)
try:
    _django = get_wsgi_application()
except BadSetting as error:
    # One line for the operator instead of a server's traceback.
    raise SystemExit(str(error)) from None

from config.crew import Crew  # noqa: E402 - needs Django to be set up
from edge.door import before  # noqa: E402 - the same
from feeds.watching import watch_in_background  # noqa: E402 - the same

_crew = Crew(house)

#: Listeners are answered at the door, ahead of Django; everybody else comes into the house.
application = before(_crew.answer, aside=_crew.run)
watch_in_background()
