"""Makes rows of payments and reported usage without a payment service."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import Account
from billing.gateways.base import CheckoutOrder, OpenedCheckout, PaidState
from billing.models import StripeEvent, UsageReport
from billing.payments import record_checkout, record_paid_state
from billing.plans import AGENT_PRO, Plan
from billing.services import use_episode


def pay(account: Account, *, now: datetime, plan: Plan = AGENT_PRO, status: str = "active") -> str:
    """Give an account a paid subscription; returns its customer's id."""
    customer = f"cus_{account.pk}"
    record_checkout(
        order=CheckoutOrder(account.pk, plan, "", "reference"),
        opened=OpenedCheckout(f"cs_{account.pk}", "https://checkout.stripe.example"),
        now=now,
    )
    state = PaidState(
        subscription_id=f"sub_{account.pk}",
        customer_id=customer,
        account_id=account.pk,
        plan_id=plan.id,
        status=status,
        started_at=now,
        period_started_at=now,
        cancel_at=None,
        ended_at=None,
    )
    assert record_paid_state(account=account, state=state, version=0, now=now)
    return customer


def use_episodes(account: Account, count: int, *, now: datetime) -> None:
    """Enter so many episodes into the ledger."""
    with transaction.atomic():
        for number in range(count):
            reference = f"{account.pk} {now.isoformat()} {number}"
            use_episode(account=account, reference=reference, now=now)


def tell_and_report(account: Account, *, now: datetime) -> None:
    """One event that failed and one report that waits."""
    StripeEvent.objects.create(
        event_id=f"evt_{account.pk}",
        type="customer.subscription.updated",
        subject_id=f"sub_{account.pk}",
        created_at=now,
        received_at=now,
        due_at=now,
    )
    UsageReport.objects.create(
        account=account,
        customer_id=f"cus_{account.pk}",
        kind=UsageReport.Kind.EPISODE,
        day=now.date(),
        quantity=2,
        happened_at=now,
        due_at=now,
        created_at=now,
    )
