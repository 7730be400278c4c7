"""Leads whoever opens a bound address to the page of the payment service behind it."""

from __future__ import annotations

from datetime import datetime

from accounts.models import Account
from billing.gateways.addresses import CheckoutAddressInvalid, read_bound_address
from billing.gateways.base import CheckoutOrder, Gateway
from billing.models import PaidSubscription
from billing.payments import record_checkout
from billing.states import ENDED


def payment_page(*, token: str, gateway: Gateway, now: datetime) -> str:
    """The address to send the person to.

    Raises `CheckoutAddressInvalid`, and `PaymentsNotTaken` or `GatewayFailed`.
    """
    address = read_bound_address(token)
    account = Account.objects.filter(pk=address.account_id).first()
    if account is None:
        raise CheckoutAddressInvalid("This account does not exist any more.")
    live = PaidSubscription.objects.filter(account=account).exclude(status__in=ENDED)
    newest = live.order_by("-started_at", "-pk").first()
    if address.plan is None or (newest is not None and newest.plan == address.plan.id):
        if newest is None:
            raise CheckoutAddressInvalid("This account pays for nothing at present.")
        # Who has the plan already changes the card or cancels, and does not pay twice.
        return gateway.management_url(newest.customer_id)
    order = CheckoutOrder(
        account_id=account.pk,
        plan=address.plan,
        email=account.email or "",
        reference=address.reference,
    )
    opened = gateway.open_checkout(order)
    record_checkout(order=order, opened=opened, now=now)
    return opened.url
