"""Which plan an account has: the newest paid one, or the granted one if that is larger."""

from __future__ import annotations

from datetime import datetime

from accounts.audit import record_audit
from billing.models import PaidSubscription, Subscription
from billing.plans import PLANS, larger_plan
from billing.states import ENDED


def settle_plan(subscription: Subscription, *, now: datetime) -> bool:
    """Set plan, cycle and payer of a locked subscription by what is known; True when the plan changed.

    A plan that stays keeps its cycle (contracts/podclaw.md A5). A new one's cycle is that of its
    payment, so that ours and Stripe's end together, and starts now where nothing is paid.
    """
    paid = _paid(subscription, now=now)
    newest = paid[-1] if paid else None
    _mark_replaced(paid[:-1], now=now)
    subscription.billed_to = newest.customer_id if newest else ""
    plan = PLANS[subscription.granted_plan]
    if newest is not None:
        plan = larger_plan(plan, PLANS[newest.plan])
    before, subscription.plan = subscription.plan, plan.id
    changed = before != plan.id
    if changed:
        is_paid = newest is not None and newest.plan == plan.id
        subscription.cycle_started_at = newest.period_started_at if newest and is_paid else now
        record_audit(
            account=subscription.account,
            action="plan.changed",
            actor="payment" if is_paid else "operator or end of payment",
            now=now,
            before=before,
            after=plan.id,
        )
    subscription.save(update_fields=["plan", "granted_plan", "billed_to", "cycle_started_at"])
    return changed


def _paid(subscription: Subscription, *, now: datetime) -> list[PaidSubscription]:
    """What grants a plan now, oldest first."""
    rows = PaidSubscription.objects.filter(account=subscription.account).exclude(status__in=ENDED)
    return [row for row in rows.order_by("started_at", "pk") if row.grants(now=now)]


def _mark_replaced(older: list[PaidSubscription], *, now: datetime) -> None:
    """Nobody pays for two plans: a sweep cancels the older one at Stripe."""
    rows = PaidSubscription.objects.filter(pk__in=[row.pk for row in older], replaced_at=None)
    rows.update(replaced_at=now)
