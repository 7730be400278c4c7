"""Takes back what Stripe first took and then could not count: its meters tell of errors later."""

from __future__ import annotations

import uuid
from datetime import datetime

import structlog

from billing.gateways.base import Gateway, MeterError
from billing.models import UsageReport
from billing.states import WorkState

log = structlog.get_logger(__name__)
_MAX_ERROR = 500


def refuse_reported(event_id: str, *, gateway: Gateway, now: datetime) -> bool:
    """Mark the reports that the event names as failed, with its reason; False when none is ours.

    The operator has them tried again once the cause is mended. Raises `GatewayFailed`.
    """
    found = gateway.meter_errors(event_id)
    refused = sum(_refuse(error, now=now) for error in found.named)
    log.warning("usage_refused_later", refused=refused, errors=found.count)
    return refused > 0


def _refuse(error: MeterError, *, now: datetime) -> int:
    """1 when the report was ours and counted as sent.

    It gets another identifier: Stripe keeps the old one for a day, and would take a new attempt for
    a repetition of what it did not count.
    """
    return UsageReport.objects.filter(identifier=error.identifier).release(
        state=WorkState.FAILED,
        error=f"Stripe did not count it: {error.reason}"[:_MAX_ERROR],
        identifier=uuid.uuid4(),
        first_tried_at=None,
        finished_at=now,
    )
