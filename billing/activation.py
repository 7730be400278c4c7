"""Tells an account whether it has the plan that it says it paid for (contracts/podclaw.md E21, A5)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import Account
from billing.gateways.base import Gateway
from billing.models import Subscription
from billing.plans import Plan
from billing.refreshing import refresh_account
from billing.services import locked_subscription
from core.errors import PaymentRequired


class PlanNotPaid(PaymentRequired):
    """No payment for the plan is recorded for this account, and no operator granted it."""

    code = "payment_required"


def activate_plan(
    *, account: Account, plan: Plan, email: str | None, gateway: Gateway, now: datetime
) -> Subscription:
    """The subscription if it is on `plan`; the caller's word is never taken for a payment.

    A payment whose event has not come yet is asked about. Asking again changes nothing. `email` is
    kept as the account's address for bills. Raises `PlanNotPaid`, which names the address to pay
    at, and `GatewayFailed`.
    """
    found = _on_plan(account, plan, email=email)
    if found is None and gateway.takes_payments:
        refresh_account(account=account, gateway=gateway, now=now)
        found = _on_plan(account, plan, email=email)
    if found is None:
        raise PlanNotPaid(
            f"No payment for the plan {plan.name} is recorded. {gateway.how_to_get(plan)}",
            details={"checkout_url": gateway.checkout_address(plan, account=account)},
        )
    return found


def _on_plan(account: Account, plan: Plan, *, email: str | None) -> Subscription | None:
    with transaction.atomic(durable=True):
        subscription = locked_subscription(account)
        if subscription.plan != plan.id:
            return None
        if email and email != subscription.email:
            subscription.email = email
            subscription.save(update_fields=["email"])
        return subscription
