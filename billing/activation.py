"""Tells an account whether it has the plan that it says it paid for (contracts/podclaw.md E21, A5)."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Account
from billing.gateways.registry import payment_gateway
from billing.models import Subscription
from billing.plans import Plan
from billing.services import locked_subscription
from core.errors import PaymentRequired


class PlanNotPaid(PaymentRequired):
    """No payment for the plan is recorded for this account, and no operator granted it."""

    code = "payment_required"


def activate_plan(*, account: Account, plan: Plan, email: str | None) -> Subscription:
    """The subscription if it is on `plan`; the caller's word is never taken for a payment.

    Asking again changes nothing. `email` is kept as the account's address for bills.
    Raises `PlanNotPaid`, which names the address to pay at.
    """
    with transaction.atomic(durable=True):
        subscription = locked_subscription(account)
        if subscription.plan == plan.id:
            if email and email != subscription.email:
                subscription.email = email
                subscription.save(update_fields=["email"])
            return subscription
    gateway = payment_gateway()
    raise PlanNotPaid(
        f"No payment for the plan {plan.name} is recorded. {gateway.how_to_get(plan)}",
        details={"checkout_url": gateway.checkout_address(plan, account=account)},
    )


def billing_email(account: Account) -> str:
    """The address that the account gave when it paid, "" if none."""
    known = Subscription.objects.filter(account=account).values_list("email", flat=True).first()
    return known or ""
