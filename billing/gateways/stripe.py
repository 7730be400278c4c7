"""Stripe: checkout sessions bound to accounts, subscriptions, and usage as meter events."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import stripe
from django.conf import settings

from accounts.models import Account
from billing.gateways.addresses import checkout_address, plans_address
from billing.gateways.base import (
    CheckoutOrder,
    CheckoutState,
    GatewayFailed,
    GatewayRefused,
    MeteredUsage,
    MeterError,
    MeterErrors,
    OpenedCheckout,
    PaidState,
)
from billing.gateways.stripe_http import OutboundClient
from billing.plans import PLANS, Plan

#: In the metadata of what we make at Stripe; several programs may share one Stripe account.
INSTANCE_KEY, ACCOUNT_KEY, PLAN_KEY = "podwright_instance", "podwright_account", "podwright_plan"
PRICE_PARTS = ("base", "episodes", "downloads")
#: Stripe keeps an identifier of a meter event for at least a day.
_ALREADY_KNOWN = "already exists with identifier"
_ALREADY_KNOWN_CODE = "duplicate_meter_event"
_ONE_MINUTE = timedelta(minutes=1)


class StripeGateway:
    """Speaks Stripe's API, version of the installed SDK, with the instance's secret key."""

    name: ClassVar[str] = "stripe"
    takes_payments: ClassVar[bool] = True

    def __init__(self, *, secret_key: str, api_base: str) -> None:
        self.client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            http_client=OutboundClient(),
            max_network_retries=1,
        )

    def checkout_address(self, plan: Plan, *, account: Account | None) -> str:
        """Our address that opens a checkout for this account; without one, the page that explains."""
        return plans_address(plan) if account is None else checkout_address(plan, account=account)

    def how_to_get(self, plan: Plan) -> str:
        """One sentence for an account that has not got `plan`."""
        return f"Pay for the plan {plan.name} at checkout_url, then ask again."

    def open_checkout(self, order: CheckoutOrder) -> OpenedCheckout:
        """A Checkout session for the plan's base fee and its two metered prices."""
        prices = self._prices(order.plan)
        owner = {INSTANCE_KEY: settings.PUBLIC_URL, ACCOUNT_KEY: str(order.account_id)}
        base, *metered = (prices[lookup_key(order.plan, part)] for part in PRICE_PARTS)
        params: dict[str, Any] = {
            "mode": "subscription",
            "client_reference_id": str(order.account_id),
            "line_items": [
                {"price": base, "quantity": 1},
                *({"price": price} for price in metered),
            ],
            "metadata": owner,
            "subscription_data": {"metadata": {**owner, PLAN_KEY: order.plan.id}},
            "success_url": f"{plans_address(order.plan)}-paid",
            "cancel_url": plans_address(order.plan),
        }
        if order.email:
            params["customer_email"] = order.email
        with failures_named():
            session = self.client.v1.checkout.sessions.create(
                params,  # type: ignore[arg-type] # built as a plain dictionary
                {"idempotency_key": f"checkout-{order.reference}"},
            )
        if not session.url:
            raise GatewayFailed("This checkout has been used; ask for a new address.")
        return OpenedCheckout(session_id=session.id, url=session.url)

    def checkout_state(self, session_id: str) -> CheckoutState:
        """The session; an unpaid one has no subscription yet."""
        with failures_named():
            session = self.client.v1.checkout.sessions.retrieve(session_id)
        details = session.customer_details
        return CheckoutState(
            session_id=session.id,
            account_id=_own_account(session.metadata, reference=session.client_reference_id),
            status=session.status or "open",
            subscription_id=_id_of(session.subscription) if session.status == "complete" else "",
            email=(details.email if details else None) or "",
        )

    def paid_state(self, subscription_id: str) -> PaidState:
        """The subscription as it is at this moment, whatever any event said."""
        with failures_named():
            found = self.client.v1.subscriptions.retrieve(subscription_id)
        items = list(found["items"].data)
        return PaidState(
            subscription_id=found.id,
            customer_id=_id_of(found.customer),
            account_id=_own_account(found.metadata),
            plan_id=_sold_plan(items, fallback=_value(found.metadata, PLAN_KEY)),
            status=found.status,
            started_at=_moment(found.start_date),
            period_started_at=_moment(
                max((item.current_period_start for item in items), default=found.start_date)
            ),
            cancel_at=_moment_or_none(found.cancel_at),
            ended_at=_moment_or_none(found.ended_at),
        )

    def cancel(self, subscription_id: str) -> None:
        """End it now: the unused part of the base fee is given back, the usage is invoiced."""
        with failures_named():
            try:
                self.client.v1.subscriptions.cancel(
                    subscription_id, {"invoice_now": True, "prorate": True}
                )
            except stripe.AlreadyCanceledError:
                return
            except stripe.InvalidRequestError as error:
                if error.http_status != 404:  # noqa: PLR2004 - HTTP's own number
                    raise

    def management_url(self, customer_id: str) -> str:
        """A session of Stripe's customer portal."""
        with failures_named():
            session = self.client.v1.billing_portal.sessions.create(
                {"customer": customer_id, "return_url": f"{settings.PUBLIC_URL}/billing"}
            )
        return session.url

    def report_usage(self, usage: MeteredUsage) -> None:
        """One meter event; that Stripe knows its identifier already means that it has arrived."""
        with failures_named():
            try:
                self.client.v1.billing.meter_events.create(
                    {
                        "event_name": usage.meter,
                        "identifier": usage.identifier,
                        "timestamp": int(usage.happened_at.timestamp()),
                        "payload": {
                            "stripe_customer_id": usage.customer_id,
                            "value": str(usage.quantity),
                        },
                    },
                    # Stripe names errors that it finds later by this key. It is another one for
                    # each attempt: the answer to a known key would be the failure of the last one.
                    {"idempotency_key": f"{usage.identifier}.{uuid4().hex}"},
                )
            except stripe.InvalidRequestError as error:
                known = _ALREADY_KNOWN in str(error) or error.code == _ALREADY_KNOWN_CODE
                if not known:
                    raise

    def reported_in_minute(self, *, meter: str, customer_id: str, minute: datetime) -> int:
        """The sum of the meter's events of that minute."""
        with failures_named():
            summaries = self.client.v1.billing.meters.event_summaries.list(
                self._meter_id(meter),
                {
                    "customer": customer_id,
                    "start_time": int(minute.timestamp()),
                    "end_time": int((minute + _ONE_MINUTE).timestamp()),
                },
            )
            return round(sum(summary.aggregated_value for summary in summaries.data))

    def meter_errors(self, event_id: str) -> MeterErrors:
        """The event's errors; Stripe names some of each kind."""
        with failures_named():
            found = self.client.v2.core.events.retrieve(event_id)
        reason = found.to_dict()["data"]["reason"]
        samples = [one for kind in reason["error_types"] for one in kind["sample_errors"]]
        identified = [(_reported_as(sample), sample["error_message"]) for sample in samples]
        return MeterErrors(
            count=reason["error_count"],
            named=[MeterError(key, str(words)) for key, words in identified if key is not None],
        )

    def _prices(self, plan: Plan) -> dict[str, str]:
        keys = [lookup_key(plan, part) for part in PRICE_PARTS]
        with failures_named():
            found = self.client.v1.prices.list({"lookup_keys": keys, "active": True})
        prices = {price.lookup_key: price.id for price in found.data if price.lookup_key}
        missing = [key for key in keys if key not in prices]
        if missing:
            raise GatewayRefused(
                f"Stripe has no active price with the lookup key {missing[0]}; "
                "run manage.py set_up_stripe."
            )
        return prices

    def _meter_id(self, event_name: str) -> str:
        for meter in self.client.v1.billing.meters.list({"limit": 100}).auto_paging_iter():
            if meter.event_name == event_name:
                return meter.id
        raise GatewayRefused(
            f"Stripe has no meter for the event {event_name}; run manage.py set_up_stripe."
        )


def _reported_as(sample: Mapping[str, Any]) -> UUID | None:
    """The identifier in the key of the request that failed; None for requests of other programs."""
    try:
        return UUID(str(sample["request"]["identifier"]).partition(".")[0])
    except (ValueError, LookupError, TypeError):
        return None


def lookup_key(plan: Plan, part: str) -> str:
    """The lookup key of one of a plan's three prices."""
    return f"podwright_{plan.id}_{part}"


@functools.lru_cache(maxsize=4)
def stripe_gateway(secret_key: str, api_base: str) -> StripeGateway:
    """One gateway for each pair of settings."""
    return StripeGateway(secret_key=secret_key, api_base=api_base)


@contextmanager
def failures_named() -> Iterator[None]:
    """Stripe's errors as ours; neither a key nor a body gets into a message."""
    try:
        yield
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise GatewayFailed("Stripe does not accept STRIPE_SECRET_KEY.") from error
    except stripe.RateLimitError as error:
        raise GatewayFailed("Stripe asks to slow down.") from error
    except stripe.InvalidRequestError as error:
        raise GatewayRefused(f"Stripe refused the request: {error.user_message}") from error
    except stripe.APIConnectionError as error:
        raise GatewayFailed("Stripe cannot be reached.") from error
    except stripe.StripeError as error:
        raise GatewayFailed(f"Stripe failed with status {error.http_status}.") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise GatewayFailed("Stripe's answer has an unknown shape.") from error


def _own_account(metadata: Any, *, reference: str | None = None) -> int | None:
    """The account that our metadata names, None when another program or instance sold it."""
    account = _value(metadata, ACCOUNT_KEY)
    if _value(metadata, INSTANCE_KEY) != settings.PUBLIC_URL:
        return None
    if not (account.isascii() and account.isdigit()) or reference not in {None, account}:
        return None
    return int(account)


def _sold_plan(items: list[Any], *, fallback: str) -> str:
    """The plan that the base price says, which changes when the price does; else that of the sale."""
    for item in items:
        plan = _value(item.price.metadata, PLAN_KEY)
        if plan in PLANS:
            return plan
    return fallback


def _value(metadata: Any, key: str) -> str:
    # Stripe's objects are dictionaries in most versions of the SDK, and mappings in all.
    return str(metadata[key]) if metadata and key in metadata else ""


def _id_of(reference: Any) -> str:
    if reference is None:
        return ""
    return reference if isinstance(reference, str) else str(reference.id)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _moment_or_none(seconds: int | None) -> datetime | None:
    return None if seconds is None else _moment(seconds)
