"""Makes what Stripe has to know of us: two meters, a product for each plan, and three prices for each."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from billing.cycles import CYCLE
from billing.gateways.base import GatewayRefused
from billing.gateways.stripe import PLAN_KEY, StripeGateway, failures_named, lookup_key
from billing.plans import FOR_SALE, Plan
from billing.reporting import METERS

_CENTS = 100
_METER_NAMES = {"episode": "Podwright episodes", "download": "Podwright downloads"}


def set_up_catalog(gateway: StripeGateway) -> Iterator[str]:
    """Make what is missing, and say of each thing whether it was there; a second run makes nothing.

    Raises `GatewayFailed`, and `GatewayRefused` for a meter that cannot be used as it is.
    """
    with failures_named():
        meters = {}
        for kind in METERS:
            made, meters[kind] = _meter(gateway, kind)
            yield f"meter {METERS[kind]}: {'made' if made else 'there'}"
        for plan in FOR_SALE:
            for part, made in _prices(gateway, plan, meters):
                yield f"price {lookup_key(plan, part)}: {'made' if made else 'there'}"


def _meter(gateway: StripeGateway, kind: str) -> tuple[bool, str]:
    meters = gateway.client.v1.billing.meters
    for meter in meters.list({"limit": 100}).auto_paging_iter():
        if meter.event_name != METERS[kind]:
            continue
        if meter.default_aggregation.formula != "sum" or meter.event_time_window:
            raise GatewayRefused(
                f"The meter {METERS[kind]} must sum up raw events; deactivate it and run this again."
            )
        return False, meter.id
    made = meters.create(
        {
            "display_name": _METER_NAMES[kind],
            "event_name": METERS[kind],
            "default_aggregation": {"formula": "sum"},
        }
    )
    return True, made.id


def _prices(
    gateway: StripeGateway, plan: Plan, meters: dict[str, str]
) -> Iterator[tuple[str, bool]]:
    wanted = _price_parameters(plan, meters)
    keys = [lookup_key(plan, part) for part in wanted]
    found = gateway.client.v1.prices.list({"lookup_keys": keys, "active": True})
    there = {price.lookup_key for price in found.data}
    product = None
    for part, parameters in wanted.items():
        missing = lookup_key(plan, part) not in there
        if missing:
            product = product or _product(gateway, plan)
            price: Any = {**parameters, "product": product}
            gateway.client.v1.prices.create(price)
        yield part, missing


def _product(gateway: StripeGateway, plan: Plan) -> str:
    # The same key makes the same product when a run was cut off and is repeated within a day.
    made = gateway.client.v1.products.create(
        {"name": f"Podwright {plan.name}", "metadata": {PLAN_KEY: plan.id}},
        {"idempotency_key": f"podwright-product-{plan.id}"},
    )
    return made.id


def _price_parameters(plan: Plan, meters: dict[str, str]) -> dict[str, Any]:
    """Amounts in cents, with the fractions of a cent that one download costs."""
    per_download = (plan.per_download_per_1k_usd or Decimal(0)) / 1_000
    return {
        "base": _price(plan, "base", plan.price_usd or Decimal(0)),
        "episodes": _price(
            plan, "episodes", plan.per_episode_usd or Decimal(0), meter=meters["episode"]
        ),
        "downloads": _price(plan, "downloads", per_download, meter=meters["download"]),
    }


def _price(plan: Plan, part: str, usd: Decimal, *, meter: str = "") -> dict[str, Any]:
    recurring: dict[str, Any] = {"interval": "day", "interval_count": CYCLE.days}
    if meter:
        recurring |= {"usage_type": "metered", "meter": meter}
    return {
        "currency": "usd",
        "lookup_key": lookup_key(plan, part),
        # Only the base price says the plan: a subscription has one of them.
        "metadata": {PLAN_KEY: plan.id} if part == "base" else {},
        "nickname": f"{plan.name}, {part}",
        "recurring": recurring,
        "unit_amount_decimal": f"{(usd * _CENTS).normalize():f}",
    }
