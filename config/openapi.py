"""GET /api/openapi.json: the OpenAPI document of the PodClaw contract and of what we add to it."""

from __future__ import annotations

from core.openapi_views import OpenApiView


class PodClawOpenApiView(OpenApiView):
    """Every call below /api but those of narration."""

    title = "Podwright"
    description = (
        "Podcasts over HTTP: keys, shows, episodes, feeds, webhooks. Every address below /api exists "
        "below /api/v1 too. Send your key as `Authorization: Bearer <key>`; POST /api/keys makes one. "
        "Every refusal is JSON with `success: false` and an `error` that says what to do. A POST may "
        "carry an Idempotency-Key: a repetition gets the first answer. Narration, which speaks the "
        "PodRead contract below /api/v1/episodes, and the Studio below /v1 have documents of their "
        "own: /api/v1/openapi.json and /v1/openapi.json."
    )
