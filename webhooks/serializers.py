"""Shapes of webhooks in the PodClaw contract (contracts/podclaw.md section 8), and of our additions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.fields import BooleanField, MomentField, NumberField, WebAddressField
from core.schemas import Schema, a_list, one_of
from core.times import iso_milliseconds
from webhooks.event_types import SELECTABLE
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.services import OVERLAP
from webhooks.states import OPEN_STATES

MAX_OVERLAP_HOURS = 7 * 24


class EventsField(serializers.Field[list[str], object, Any, Any]):
    """A list of strings; which of them are events the service knows."""

    default_error_messages = {"type": "must be a list of event names"}

    def to_internal_value(self, data: object) -> list[str]:
        """The list as it came."""
        if not isinstance(data, list) or not all(isinstance(name, str) for name in data):
            self.fail("type")
        return data

    def schema(self) -> Schema:
        """A list of events."""
        return {**a_list(one_of(SELECTABLE)), "minItems": 1}


class EndpointChanges(serializers.Serializer[Any]):
    """The body of PATCH /api/v1/webhooks/:id; all fields are optional there."""

    url = WebAddressField()
    events = EventsField()
    is_active = BooleanField(required=False)


class NewEndpoint(serializers.Serializer[Any]):
    """The body of POST /api/v1/webhooks."""

    url = WebAddressField()
    events = EventsField()


class SecretRotation(serializers.Serializer[Any]):
    """The body of POST /api/v1/webhooks/:id/rotate-secret: how long both secrets sign."""

    overlap_hours = NumberField(
        high=MAX_OVERLAP_HOURS, required=False, default=int(OVERLAP.total_seconds() // 3600)
    )


class Replay(serializers.Serializer[Any]):
    """The body of POST /api/v1/webhooks/:id/replay."""

    since = MomentField()


def endpoint_object(endpoint: Endpoint) -> dict[str, object]:
    """What may be told about an endpoint at any time."""
    return {
        "id": endpoint.pk,
        "url": endpoint.url,
        "events": endpoint.events,
        "is_active": endpoint.is_active,
        "disabled_reason": endpoint.disabled_reason or None,
        "failing_since": iso_milliseconds(endpoint.failing_since),
        "created_at": iso_milliseconds(endpoint.created_at),
        "updated_at": iso_milliseconds(endpoint.updated_at),
    }


def endpoint_with_secret(endpoint: Endpoint) -> dict[str, object]:
    """An endpoint with its secret, for the one answer that ever shows it."""
    return {**endpoint_object(endpoint), "secret": endpoint.secret}


def delivery_object(delivery: Delivery) -> dict[str, object]:
    """A delivery without its log; needs `event`."""
    is_open = delivery.state in OPEN_STATES
    return {
        "delivery_id": str(delivery.uuid),
        "webhook_id": delivery.endpoint_id,
        "event": delivery.event.type,
        "timestamp": iso_milliseconds(delivery.event.occurred_at),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next_attempt_at": iso_milliseconds(delivery.due_at) if is_open else None,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error or None,
        "last_answer": delivery.last_answer,
        "created_at": iso_milliseconds(delivery.created_at),
        "finished_at": iso_milliseconds(delivery.finished_at),
    }


def logged_delivery_object(delivery: Delivery) -> dict[str, object]:
    """A delivery with every attempt, oldest first; needs `event` and `attempt_log` (prefetched)."""
    attempts = sorted(delivery.attempt_log.all(), key=lambda attempt: attempt.pk)
    return {**delivery_object(delivery), "attempt_log": [_attempt_object(one) for one in attempts]}


def _attempt_object(attempt: Attempt) -> dict[str, object]:
    return {
        "started_at": iso_milliseconds(attempt.started_at),
        "milliseconds": attempt.milliseconds,
        "status": attempt.status,
        "error": attempt.error or None,
        "answer": attempt.answer,
    }
