"""The door's answers as Django views, for whatever runs Django without the door in front."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from analytics.descriptions import TRACK_OPERATIONS, TRACK_PARAMETERS
from core.openapi import described
from edge.door import door
from feeds.descriptions import FEED_OPERATIONS, FEED_PARAMETERS, TRAILER_OPERATIONS


@csrf_exempt
def at_the_door(request: HttpRequest, **reference: object) -> HttpResponseBase:
    """What the door says to the request."""
    answer = door().answer(request.META)
    if answer is None:
        raise Http404
    status = int(answer.status.partition(" ")[0])
    response: HttpResponse | StreamingHttpResponse
    if isinstance(answer.body, list):
        response = HttpResponse(b"".join(answer.body), status=status)
    else:
        response = StreamingHttpResponse(answer.body, status=status)
    # Django would call a redirect and a 304 text/html, which confuses players and caches.
    del response.headers["Content-Type"]
    for name, value in answer.headers:
        response.headers[name] = value
    return response


@described("/api/shows/{show_id}/feed", FEED_OPERATIONS, parameters=FEED_PARAMETERS)
@csrf_exempt
def feed(request: HttpRequest) -> HttpResponseBase:
    """The feed of a public show by its id."""
    return at_the_door(request)


@described("/api/track/{episode}", TRACK_OPERATIONS, parameters=TRACK_PARAMETERS)
@csrf_exempt
def track(request: HttpRequest) -> HttpResponseBase:
    """The counted redirect to an episode's audio."""
    return at_the_door(request)


@described("/api/shows/{show_id}/trailer.mp3", TRAILER_OPERATIONS, parameters=FEED_PARAMETERS)
@csrf_exempt
def trailer(request: HttpRequest) -> HttpResponseBase:
    """The trailer that going live made for a show."""
    return at_the_door(request)
