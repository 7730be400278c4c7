"""What is looked for every minute: events, overdue payments, replaced subscriptions, usage to report."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from billing.gateways.base import Gateway
from billing.inbox import handle_due
from billing.models import StripeEvent
from billing.refreshing import cancel_replaced, end_graces, refresh_stale
from billing.reporting import plan_reports, send_reports
from billing.states import WorkState
from core.errors import PodwrightError

log = structlog.get_logger(__name__)
#: Stripe sends an event again for three days; what is kept longer is for people.
KEPT_FOR = timedelta(days=90)


def sweep(*, gateway: Gateway, now: datetime) -> None:
    """Do all that is due; one failure does not keep the rest from being done."""
    end_graces(now=now)
    forget_old(now=now)
    if not gateway.takes_payments:
        return
    handle_due(gateway=gateway, now=now)
    for step in (cancel_replaced, refresh_stale):
        try:
            step(gateway=gateway, now=now)
        except PodwrightError as error:
            log.warning("billing_step_failed", step=step.__name__, code=error.code)
    plan_reports(now=now)
    send_reports(gateway=gateway, now=now)


def forget_old(*, now: datetime) -> int:
    """Delete events that ended long ago; returns how many."""
    old = StripeEvent.objects.filter(finished_at__lte=now - KEPT_FOR)
    return old.exclude(state=WorkState.FAILED).delete()[0]
