"""Background work of billing: events of Stripe, overdue payments, reports of usage."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from billing.gateways.registry import payment_gateway
from billing.inbox import handle_event
from billing.sweeping import sweep


@shared_task(name="billing.handle_event")
def handle_event_task(*, event_id: int, **_: object) -> None:
    """Handle one event."""
    handle_event(event_pk=event_id, gateway=payment_gateway(), now=timezone.now())


@shared_task(name="billing.sweep")
def sweep_task(**_: object) -> None:
    """Find what is due or was given up."""
    sweep(gateway=payment_gateway(), now=timezone.now())
