"""The two addresses of a feed: by the show's id when it is public, by its token when it is private."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from core.bare_response import bare_response
from core.openapi import described
from core.podclaw import error_body
from feeds.answers import METHODS, PREFLIGHT_HEADERS, feed_answer
from feeds.descriptions import FEED_OPERATIONS, FEED_PARAMETERS
from feeds.facts import PageMissing
from feeds.store import FeedStore, FeedVersion, ShowGone, public_version, version_by_token

_LARGEST_ID = 2**63 - 1
_LARGEST_PAGE = 100_000


@described("/api/shows/{show_id}/feed", FEED_OPERATIONS, parameters=FEED_PARAMETERS)
@csrf_exempt
def feed_by_id(request: HttpRequest, show_id: int) -> HttpResponse:
    """The feed of a public show; anything else is a 404 in the PodClaw form."""
    if request.method == "OPTIONS":
        return bare_response(204, PREFLIGHT_HEADERS)
    if request.method not in {"GET", "HEAD"}:
        return JsonResponse(
            error_body("Method not allowed"), status=405, headers={"Allow": METHODS}
        )
    version = public_version(show_id) if show_id <= _LARGEST_ID else None
    answer = _answer(request, version) if version else None
    if answer is None:
        return JsonResponse(
            error_body("Show not found"), status=404, headers={"Cache-Control": "no-store"}
        )
    return answer


@csrf_exempt
def feed_by_token(request: HttpRequest, token: str) -> HttpResponse:
    """The feed of a private show. That of a public one moved for good to its address by id."""
    if request.method == "OPTIONS":
        return bare_response(204, PREFLIGHT_HEADERS)
    if request.method not in {"GET", "HEAD"}:
        return bare_response(405, {"Allow": METHODS})
    version = version_by_token(token)
    if version is not None and not version.is_private:
        location = f"{settings.PUBLIC_URL}/api/shows/{version.show_id}/feed"
        return bare_response(301, {"Location": location})
    answer = _answer(request, version) if version else None
    return answer or bare_response(404, {"Cache-Control": "no-store"})


def _answer(request: HttpRequest, version: FeedVersion) -> HttpResponse | None:
    page = _page_number(request.GET.get("page", "1"))
    if page is None:
        return None
    try:
        feed = feed_store(settings.DATA_DIR / "feeds").get(version, page=page)
    except (PageMissing, ShowGone):
        return None
    answer = feed_answer(
        feed,
        method=request.method or "",
        request_headers=request.headers,
        is_private=version.is_private,
    )
    return bare_response(answer.status, answer.headers, answer.body)


def _page_number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(_LARGEST_PAGE)):
        return None
    number = int(text)
    return number if 1 <= number <= _LARGEST_PAGE else None


@lru_cache(maxsize=8)
def feed_store(folder: Path) -> FeedStore:
    """This process's store below `folder`."""
    return FeedStore(folder)
