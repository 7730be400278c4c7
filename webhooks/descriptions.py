"""What the OpenAPI document says of webhooks."""

from __future__ import annotations

from core.openapi import Operation
from core.schemas import (
    BOOLEAN,
    COUNT,
    ID,
    INTEGER,
    MOMENT,
    PAGE,
    STRING,
    URL,
    UUID,
    a_list,
    an_answer,
    an_object,
    one_of,
    or_null,
    titled,
)
from webhooks.event_types import SELECTABLE
from webhooks.serializers import EndpointChanges, NewEndpoint, Replay, SecretRotation
from webhooks.states import DeliveryState

_ENDPOINT = {
    "id": ID,
    "url": URL,
    "events": a_list(one_of(SELECTABLE)),
    "is_active": BOOLEAN,
    "disabled_reason": or_null(STRING),
    "failing_since": or_null(MOMENT),
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
WEBHOOK = titled("Webhook", an_object(**_ENDPOINT))
WEBHOOK_WITH_SECRET = titled("WebhookWithSecret", an_object(**_ENDPOINT, secret=STRING))
_DELIVERY = {
    "delivery_id": UUID,
    "webhook_id": ID,
    "event": STRING,
    "timestamp": MOMENT,
    "state": one_of(DeliveryState.values),
    "attempts": COUNT,
    "next_attempt_at": or_null(MOMENT),
    "last_status": or_null(INTEGER),
    "last_error": or_null(STRING),
    "last_answer": or_null(STRING),
    "created_at": MOMENT,
    "finished_at": or_null(MOMENT),
}
DELIVERY = titled("Delivery", an_object(**_DELIVERY))
_ATTEMPT = an_object(
    started_at=MOMENT,
    milliseconds=or_null(COUNT),
    status=or_null(INTEGER),
    error=or_null(STRING),
    answer=or_null(STRING),
)
LOGGED_DELIVERY = titled("LoggedDelivery", an_object(**_DELIVERY, attempt_log=a_list(_ATTEMPT)))
_WITH_SECRET = an_answer(webhook=WEBHOOK_WITH_SECRET, note=STRING)

WEBHOOK_LIST_OPERATIONS = {
    "GET": Operation("List the webhooks", {200: an_answer(webhooks=a_list(WEBHOOK), count=COUNT)}),
    "POST": Operation(
        "Register a webhook; its secret is shown this once", {201: _WITH_SECRET}, body=NewEndpoint
    ),
}
WEBHOOK_OPERATIONS = {
    "GET": Operation("Read a webhook", {200: an_answer(webhook=WEBHOOK)}),
    "PATCH": Operation(
        "Change a webhook, or switch it on or off",
        {200: an_answer(webhook=WEBHOOK)},
        body=EndpointChanges,
        refusals=(409,),
    ),
    "DELETE": Operation("Remove a webhook", {204: None}),
}
PING_OPERATIONS = {
    "POST": Operation("Send a test event", {202: an_answer(delivery=DELIVERY)}),
}
DELIVERY_LIST_OPERATIONS = {
    "GET": Operation(
        "List the deliveries of a webhook with every attempt",
        {
            200: an_answer(
                deliveries=a_list(LOGGED_DELIVERY),
                count=COUNT,
                total=COUNT,
                limit=COUNT,
                offset=COUNT,
            )
        },
        query={"state": one_of(DeliveryState.values), **PAGE},
    )
}
REDELIVER_OPERATIONS = {
    "POST": Operation("Send a delivery once more", {202: an_answer(delivery=DELIVERY)}),
}
REPLAY_OPERATIONS = {
    "POST": Operation(
        "Send all events since a moment", {202: an_answer(queued=COUNT)}, body=Replay
    ),
}
ROTATE_SECRET_OPERATIONS = {
    "POST": Operation("Replace the secret", {200: _WITH_SECRET}, body=SecretRotation),
}
