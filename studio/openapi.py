"""GET /v1/openapi.json: the Jellypod contract, generation A, and our additions to it, as OpenAPI 3.1."""

from __future__ import annotations

from core.openapi import Contract
from core.openapi_views import OpenApiView
from studio.descriptions import ERROR
from studio.views import JellypodView


class StudioOpenApiView(OpenApiView, JellypodView):
    """Every call below /v1."""

    document = JellypodView.document
    title = "Podwright Studio"
    description = (
        "A prompt, sources and hosts become a show with several voices. Send your key as "
        "`Authorization: Bearer <key>`. Generating answers at once; poll the episode until its status "
        "is `draft` or `failed`, or wait for a webhook. Every refusal is JSON with an `error` of "
        "`code`, `message`, `request_id` and `details`. Lists have cursors: send `next_cursor` as "
        "`cursor` while `has_more`. A POST may carry an Idempotency-Key: a repetition gets the first "
        "answer."
    )
    contract = Contract(
        error=ERROR,
        # The contract has no statuses for a body that is too large or of a wrong type.
        stands_for={411: 400, 413: 400, 415: 400},
        scheme="BearerAuth",
        takes_empty_changes=True,
    )
