"""GET /api/openapi.json: the OpenAPI document of the PodClaw contract and of what we add to it."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.urls import get_resolver
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ContractView
from core.openapi import Operation, documented_routes, openapi_document, routes
from core.schemas import Schema

_DESCRIPTION = (
    "Podcasts over HTTP: keys, shows, episodes, feeds, webhooks. Every address below /api exists "
    "below /api/v1 too. Send your key as `Authorization: Bearer <key>`; POST /api/keys makes one. "
    "Every refusal is JSON with `success: false` and an `error` that says what to do. A POST may "
    "carry an Idempotency-Key: a repetition gets the first answer. Narration, which speaks the "
    "PodRead contract below /api/v1/episodes, is not part of this document."
)


class OpenApiView(ContractView):
    """The document; anybody may read it, from any page."""

    authentication_classes = []
    permission_classes = [AllowAny]
    operations = {
        "GET": Operation("This document", {200: {"type": "object"}}, access="public"),
    }

    def get(self, request: Request) -> Response:
        """The document for this server's public address."""
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
        return Response(_document(settings.PUBLIC_URL), headers=headers)


@lru_cache(maxsize=4)
def _document(public_url: str) -> Schema:
    found = list(routes(get_resolver().url_patterns))
    return openapi_document(
        documented_routes(found, document="/api/openapi.json"),
        title="Podwright",
        version=settings.VERSION,
        description=_DESCRIPTION,
        server=public_url,
    )
