"""What is paid, and which plan follows from it: each change is one transaction under the quota lock."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.models import Account
from billing.gateways.base import CheckoutOrder, CheckoutState, OpenedCheckout, PaidState
from billing.models import Checkout, PaidSubscription, Subscription
from billing.plans import PLANS
from billing.services import locked_subscription
from billing.settling import settle_plan
from billing.states import CheckoutStatus, PaidStatus
from core.errors import Conflict, Invalid

#: How long a plan stays while its payment is overdue; Stripe tries the card again meanwhile.
GRACE = timedelta(days=7)


class PlanNotSold(Invalid):
    """The payment is for something that is none of our plans."""

    code = "plan_not_sold"


class PaymentOfAnother(Conflict):
    """The payment belongs to another account for good."""

    code = "payment_of_another"


def record_checkout(*, order: CheckoutOrder, opened: OpenedCheckout, now: datetime) -> None:
    """Remember which account a checkout was opened for; the same one may be opened again.

    Raises `PaymentOfAnother`.
    """
    with transaction.atomic(durable=True):
        checkout, _made = Checkout.objects.get_or_create(
            session_id=opened.session_id,
            defaults={
                "account_id": order.account_id,
                "plan": order.plan.id,
                "created_at": now,
            },
        )
        if checkout.account_id != order.account_id:
            raise PaymentOfAnother("This checkout was opened for another account.")


def record_checkout_state(*, state: CheckoutState) -> bool:
    """Take over how a checkout stands; False when it is not one of ours, or names another account."""
    with transaction.atomic(durable=True):
        checkout = Checkout.objects.select_for_update().filter(session_id=state.session_id).first()
        if checkout is None or checkout.account_id != state.account_id:
            return False
        if state.status in CheckoutStatus.values and checkout.status == CheckoutStatus.OPEN:
            checkout.status = state.status
            checkout.save(update_fields=["status"])
        if state.email and state.status == CheckoutStatus.COMPLETE:
            Subscription.objects.filter(account_id=checkout.account_id, email="").update(
                email=state.email
            )
        return True


def paid_version(subscription_id: str) -> int:
    """How many answers about a subscription were taken over; read it before asking for another."""
    known = PaidSubscription.objects.filter(stripe_id=subscription_id)
    return known.values_list("version", flat=True).first() or 0


def record_paid_state(*, account: Account, state: PaidState, version: int, now: datetime) -> bool:
    """Take over how a subscription stands, and set the account's plan and cycle by it.

    False when another answer was taken over since `version`: ask again, this one may be older.
    Raises `PaymentOfAnother`, `PlanNotSold`.
    """
    if state.plan_id not in PLANS or not PLANS[state.plan_id].is_for_sale:
        raise PlanNotSold(f"Subscription {state.subscription_id} is for none of our plans.")
    with transaction.atomic(durable=True):
        subscription = locked_subscription(account)
        rows = PaidSubscription.objects.select_for_update()
        known = rows.filter(stripe_id=state.subscription_id).first()
        if known is not None and known.account_id != account.pk:
            raise PaymentOfAnother("This subscription belongs to another account.")
        if (known.version if known else 0) != version:
            return False
        PaidSubscription.objects.update_or_create(
            stripe_id=state.subscription_id, defaults=_fields(account, state, known, now=now)
        )
        settle_plan(subscription, now=now)
        return True


def settle_account(*, account: Account, now: datetime) -> None:
    """Set plan and cycle by what is known: some payment's grace may be over."""
    with transaction.atomic(durable=True):
        settle_plan(locked_subscription(account), now=now)


def overdue_accounts(*, now: datetime) -> list[Account]:
    """Accounts whose plan rests on a payment that is overdue for longer than the grace."""
    over = PaidSubscription.objects.filter(
        status=PaidStatus.PAST_DUE,
        grace_ends_at__lte=now,
        account__subscription__billed_to=F("customer_id"),
    )
    return list(Account.objects.filter(pk__in=over.values("account_id")).order_by("pk"))


def _fields(
    account: Account, state: PaidState, known: PaidSubscription | None, *, now: datetime
) -> dict[str, object]:
    grace_ends_at = None
    if state.status == PaidStatus.PAST_DUE:
        # Counted from when it was first seen overdue, whatever comes in between.
        grace_ends_at = (known.grace_ends_at if known else None) or now + GRACE
    return {
        "account": account,
        "customer_id": state.customer_id,
        "plan": state.plan_id,
        "status": state.status,
        "started_at": state.started_at,
        "period_started_at": state.period_started_at,
        "grace_ends_at": grace_ends_at,
        "cancel_at": state.cancel_at,
        "ended_at": state.ended_at,
        "version": (known.version if known else 0) + 1,
        "refreshed_at": now,
    }
