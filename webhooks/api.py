"""Webhooks in the PodClaw contract: E28 to E30, and what a developer expects around them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ContractView, page_bounds
from keys.caller import account_of
from keys.scopes import WEBHOOKS_READ, WEBHOOKS_WRITE
from webhooks.descriptions import (
    DELIVERY_LIST_OPERATIONS,
    PING_OPERATIONS,
    REDELIVER_OPERATIONS,
    REPLAY_OPERATIONS,
    ROTATE_SECRET_OPERATIONS,
    WEBHOOK_LIST_OPERATIONS,
    WEBHOOK_OPERATIONS,
)
from webhooks.models import Delivery, Endpoint
from webhooks.serializers import (
    EndpointChanges,
    NewEndpoint,
    Replay,
    SecretRotation,
    delivery_object,
    endpoint_object,
    endpoint_with_secret,
    logged_delivery_object,
)
from webhooks.services import (
    delete_endpoint,
    get_endpoint,
    ping_endpoint,
    redeliver,
    register_endpoint,
    replay,
    rotate_secret,
    update_endpoint,
)
from webhooks.states import DeliveryState

NOTE = "Store the secret securely: it signs every delivery and will not be shown again."
DEFAULT_LIMIT, MAX_LIMIT = 50, 100


class EndpointListView(ContractView):
    """E28 and E29."""

    operations = WEBHOOK_LIST_OPERATIONS
    required_scopes = {"GET": WEBHOOKS_READ, "POST": WEBHOOKS_WRITE}

    def get(self, request: Request) -> Response:
        """All endpoints of the account, newest first, without their secrets."""
        endpoints = Endpoint.objects.visible_to(account_of(request)).newest_first()
        found = [endpoint_object(endpoint) for endpoint in endpoints]
        return Response({"success": True, "webhooks": found, "count": len(found)})

    def post(self, request: Request) -> Response:
        """201 with the new endpoint and, this once, its secret."""
        wanted = self.parsed_body(NewEndpoint)
        endpoint = register_endpoint(account=account_of(request), now=timezone.now(), **wanted)
        return _with_secret(endpoint, code=status.HTTP_201_CREATED)


class EndpointView(ContractView):
    """One endpoint; DELETE is E30."""

    operations = WEBHOOK_OPERATIONS
    required_scopes = {"GET": WEBHOOKS_READ, "PATCH": WEBHOOKS_WRITE, "DELETE": WEBHOOKS_WRITE}

    def get(self, request: Request, endpoint_id: int) -> Response:
        """One endpoint."""
        endpoint = get_endpoint(account=account_of(request), endpoint_id=endpoint_id)
        return Response({"success": True, "webhook": endpoint_object(endpoint)})

    def patch(self, request: Request, endpoint_id: int) -> Response:
        """Change what the body names."""
        endpoint = update_endpoint(
            account=account_of(request),
            endpoint_id=endpoint_id,
            changes=self.parsed_body(EndpointChanges, partial=True),
            now=timezone.now(),
        )
        return Response({"success": True, "webhook": endpoint_object(endpoint)})

    def delete(self, request: Request, endpoint_id: int) -> Response:
        """204; what waits for it is never sent."""
        delete_endpoint(account=account_of(request), endpoint_id=endpoint_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PingView(ContractView):
    """A test event."""

    operations = PING_OPERATIONS
    required_scopes = {"POST": WEBHOOKS_WRITE}

    def post(self, request: Request, endpoint_id: int) -> Response:
        """202 with the delivery; the log tells how it ended."""
        delivery = ping_endpoint(
            account=account_of(request), endpoint_id=endpoint_id, now=timezone.now()
        )
        return _accepted(delivery=delivery_object(delivery))


class DeliveryListView(ContractView):
    """The log of one endpoint."""

    operations = DELIVERY_LIST_OPERATIONS
    required_scopes = {"GET": WEBHOOKS_READ}

    def get(self, request: Request, endpoint_id: int) -> Response:
        """A page of deliveries with their attempts, newest first; `?state=` filters."""
        limit, offset = page_bounds(
            request.query_params, default_limit=DEFAULT_LIMIT, max_limit=MAX_LIMIT
        )
        state = _state(request)
        endpoint = get_endpoint(account=account_of(request), endpoint_id=endpoint_id)
        found = Delivery.objects.filter(endpoint=endpoint)
        if state is not None:
            found = found.filter(state=state)
        rows = found.select_related("event").prefetch_related("attempt_log").newest_first()
        deliveries = [logged_delivery_object(row) for row in rows[offset : offset + limit]]
        return Response(
            {
                "success": True,
                "deliveries": deliveries,
                "count": len(deliveries),
                "total": found.count(),
                "limit": limit,
                "offset": offset,
            }
        )


class RedeliverView(ContractView):
    """One delivery again."""

    operations = REDELIVER_OPERATIONS
    required_scopes = {"POST": WEBHOOKS_WRITE}

    def post(self, request: Request, delivery_id: UUID) -> Response:
        """202; it keeps its `delivery_id`."""
        delivery = redeliver(
            account=account_of(request), delivery_id=delivery_id, now=timezone.now()
        )
        return _accepted(delivery=delivery_object(delivery))


class ReplayView(ContractView):
    """All events since a moment again."""

    operations = REPLAY_OPERATIONS
    required_scopes = {"POST": WEBHOOKS_WRITE}

    def post(self, request: Request, endpoint_id: int) -> Response:
        """202 with the number of deliveries."""
        queued = replay(
            account=account_of(request),
            endpoint_id=endpoint_id,
            since=self.parsed_body(Replay)["since"],
            now=timezone.now(),
        )
        return _accepted(queued=queued)


class RotateSecretView(ContractView):
    """A new secret."""

    operations = ROTATE_SECRET_OPERATIONS
    required_scopes = {"POST": WEBHOOKS_WRITE}

    def post(self, request: Request, endpoint_id: int) -> Response:
        """200 with the new secret, this once; the previous one signs too for `overlap_hours`."""
        hours = self.parsed_body(SecretRotation)["overlap_hours"]
        endpoint = rotate_secret(
            account=account_of(request),
            endpoint_id=endpoint_id,
            overlap=timedelta(hours=hours),
            now=timezone.now(),
        )
        return _with_secret(endpoint, code=status.HTTP_200_OK)


def _with_secret(endpoint: Endpoint, *, code: int) -> Response:
    """The endpoint with its secret; `no-store` also keeps it from being stored for repetitions."""
    return Response(
        {"success": True, "webhook": endpoint_with_secret(endpoint), "note": NOTE},
        status=code,
        headers={"Cache-Control": "no-store"},
    )


def _accepted(**payload: object) -> Response:
    return Response({"success": True, **payload}, status=status.HTTP_202_ACCEPTED)


def _state(request: Request) -> DeliveryState | None:
    text = request.query_params.get("state", "").strip().lower()
    if text and text not in DeliveryState.values:
        raise ValidationError({"state": [f"must be one of {', '.join(DeliveryState.values)}"]})
    return DeliveryState(text) if text else None
