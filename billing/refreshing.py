"""Asks the payment service how things stand now, so that the order of its events does not matter."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from accounts.models import Account
from billing.gateways.base import Gateway
from billing.models import Checkout, PaidSubscription
from billing.payments import (
    overdue_accounts,
    paid_version,
    record_checkout_state,
    record_paid_state,
    settle_account,
)
from billing.states import ENDED, CheckoutStatus
from core.errors import Conflict

log = structlog.get_logger(__name__)
_TRIES = 5
#: More than anybody opens before paying one of them.
_RECENT = 3
STALE = timedelta(days=1)
_STALE_AT_ONCE = 20


class StateKeepsChanging(Conflict):
    """Every answer was overtaken by another one."""

    code = "state_keeps_changing"


def refresh_paid(subscription_id: str, *, gateway: Gateway, now: datetime) -> bool:
    """Take over a subscription's present state; False when this instance did not sell it.

    Raises `GatewayFailed`, `PlanNotSold`, `PaymentOfAnother`, `StateKeepsChanging`.
    """
    for _try in range(_TRIES):
        version = paid_version(subscription_id)
        state = gateway.paid_state(subscription_id)
        account = Account.objects.filter(pk=state.account_id).first() if state.account_id else None
        if account is None:
            return False
        if record_paid_state(account=account, state=state, version=version, now=now):
            return True
    raise StateKeepsChanging(f"Subscription {subscription_id} keeps changing.")


def refresh_checkout(session_id: str, *, gateway: Gateway, now: datetime) -> bool:
    """Take over a checkout's present state and what was bought; False when it is not ours."""
    state = gateway.checkout_state(session_id)
    if not record_checkout_state(state=state):
        return False
    if state.subscription_id:
        refresh_paid(state.subscription_id, gateway=gateway, now=now)
    return True


def refresh_account(*, account: Account, gateway: Gateway, now: datetime) -> None:
    """Ask about the account's newest checkouts and subscriptions, for whoever cannot await an event."""
    checkouts = Checkout.objects.filter(account=account, status=CheckoutStatus.OPEN)
    for session_id in checkouts.order_by("-pk").values_list("session_id", flat=True)[:_RECENT]:
        refresh_checkout(session_id, gateway=gateway, now=now)
    bought = PaidSubscription.objects.filter(account=account).exclude(status__in=ENDED)
    for stripe_id in bought.order_by("-pk").values_list("stripe_id", flat=True)[:_RECENT]:
        refresh_paid(stripe_id, gateway=gateway, now=now)


def cancel_replaced(*, gateway: Gateway, now: datetime) -> int:
    """Cancel what a newer subscription took the place of; returns how many were."""
    replaced = PaidSubscription.objects.filter(replaced_at__isnull=False).exclude(status__in=ENDED)
    cancelled = list(replaced.order_by("pk").values_list("stripe_id", flat=True))
    for stripe_id in cancelled:
        gateway.cancel(stripe_id)
        refresh_paid(stripe_id, gateway=gateway, now=now)
        log.info("subscription_replaced", subscription=stripe_id)
    return len(cancelled)


def refresh_stale(*, gateway: Gateway, now: datetime) -> int:
    """Ask about subscriptions of which nothing was heard for a day: an event may never have come.

    Returns how many were asked about. Raises `GatewayFailed`.
    """
    live = PaidSubscription.objects.exclude(status__in=ENDED)
    stale = live.filter(refreshed_at__lte=now - STALE).order_by("refreshed_at", "pk")
    found = list(stale.values_list("stripe_id", flat=True)[:_STALE_AT_ONCE])
    for stripe_id in found:
        # First, so that one that cannot be asked about does not keep the others waiting.
        PaidSubscription.objects.filter(stripe_id=stripe_id).update(refreshed_at=now)
        refresh_paid(stripe_id, gateway=gateway, now=now)
    return len(found)


def end_graces(*, now: datetime) -> None:
    """Take plans back whose payment is overdue for longer than the grace."""
    for account in overdue_accounts(now=now):
        settle_account(account=account, now=now)
