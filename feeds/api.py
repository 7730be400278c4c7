"""Going live in the PodClaw contract: E22."""

from __future__ import annotations

from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ContractView
from core.podclaw import error_body
from episodes.models import Episode
from feeds.addresses import trailer_url
from feeds.descriptions import GO_LIVE_OPERATIONS
from feeds.directories import distribution
from feeds.live import GoLive, go_live
from keys.caller import account_of, key_of
from keys.scopes import EPISODES_WRITE, SHOWS_WRITE
from shows.services import feed_url


class GoLiveView(ContractView):
    """E22."""

    operations = GO_LIVE_OPERATIONS
    http_method_names = ["post"]
    required_scopes = {"POST": SHOWS_WRITE}

    def post(self, request: Request, show_id: int) -> Response:
        """200 with the links to hand the feed in, or 400 with what is to be mended first."""
        key = key_of(request)
        gone = go_live(
            account=account_of(request),
            show_id=show_id,
            may_add_episodes=key is not None and key.allows(EPISODES_WRITE),
            now=timezone.now(),
        )
        return _live(gone) if gone.passed else _refused(gone)


def _live(gone: GoLive) -> Response:
    address = feed_url(gone.show)
    body: dict[str, object] = {
        "success": True,
        "status": "live",
        "feed_url": address,
        "validation": _validation(gone),
        "trailer_generated": gone.trailer is not None,
    }
    if gone.trailer is not None:
        body["trailer_episode"] = _trailer_object(gone.trailer)
    return Response({**body, "distribution": distribution(address)})


def _refused(gone: GoLive) -> Response:
    failures = [f"{check.name}: {check.detail}" for check in gone.checks if not check.passed]
    validation = {**_validation(gone), "failures": failures}
    return Response(
        error_body("Pre-flight validation failed", validation=validation),
        status=status.HTTP_400_BAD_REQUEST,
    )


def _validation(gone: GoLive) -> dict[str, object]:
    return {"passed": gone.passed, "checks": [check.as_object() for check in gone.checks]}


def _trailer_object(trailer: Episode) -> dict[str, object]:
    return {
        "id": trailer.pk,
        "title": trailer.title,
        "audio_url": trailer_url(trailer.show_id),
        "episode_type": trailer.episode_type,
    }
