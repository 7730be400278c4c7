"""Shapes of the billing endpoints (contracts/podclaw.md E19 to E21)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from billing.gateways.addresses import contact_address
from billing.models import Subscription
from billing.plans import ENTERPRISE, FOR_SALE, PLANS, Plan, plans_above
from billing.statements import Statement
from core.fields import ChoiceField, EmailField
from core.times import iso_milliseconds, iso_seconds

CheckoutAddress = Callable[[Plan], str]


class Activation(serializers.Serializer[Any]):
    """E21: which plan was paid for, and with which address."""

    plan = ChoiceField(choices=[plan.id for plan in FOR_SALE])
    email = EmailField(required=False, allow_null=True)


def plan_object(plan: Plan, *, checkout: CheckoutAddress) -> dict[str, object]:
    """One entry of E19; the plan without a price has a contact instead of figures."""
    if plan == ENTERPRISE:
        return {
            "id": plan.id,
            "name": plan.name,
            "price_usd": None,
            "contact": contact_address(),
        }
    return {
        "id": plan.id,
        "name": plan.name,
        **_prices(plan),
        "episodes_per_month": plan.episodes_per_month,
        "max_shows": plan.max_shows,
        "checkout_url": checkout(plan) if plan.is_for_sale else None,
    }


def plan_objects(*, checkout: CheckoutAddress) -> list[dict[str, object]]:
    """All entries of E19."""
    return [plan_object(plan, checkout=checkout) for plan in PLANS.values()]


def billing_object(
    statement: Statement, *, now: datetime, checkout: CheckoutAddress
) -> dict[str, object]:
    """E20."""
    return {
        "plan": statement.plan.id,
        "plan_name": statement.plan.name,
        **_prices(statement.plan),
        "billing_cycle": {
            "start": iso_seconds(statement.cycle.start),
            "end": iso_seconds(statement.cycle.end),
            "days_remaining": statement.cycle.days_remaining(now=now),
        },
        "usage": {
            "episodes": {
                "used": statement.episodes.used,
                "limit": statement.episodes.limit,
                "remaining": statement.episodes.remaining,
                "estimated_usage_cost_usd": json_number(statement.episodes_cost),
            },
            "downloads": {
                "total": statement.downloads,
                "estimated_usage_cost_usd": json_number(statement.downloads_cost),
            },
            "storage": {"used_gb": json_number(statement.stored_gb)},
        },
        "upgrade_options": [
            plan_object(plan, checkout=checkout) for plan in plans_above(statement.plan)
        ],
    }


def activation_object(subscription: Subscription) -> dict[str, object]:
    """The `billing` of E21."""
    plan = PLANS[subscription.plan]
    started_at = iso_milliseconds(subscription.cycle_started_at)
    return {
        "plan": plan.id,
        "plan_name": plan.name,
        **_prices(plan),
        "activated_at": started_at,
        "billing_cycle_start": started_at,
    }


def upgraded_message(plan: Plan) -> str:
    """The sentence of E21."""
    return f"Plan upgraded to {plan.name}! Base fee: ${plan.price_usd}/mo + ${plan.per_episode_usd}/episode."


def json_number(amount: Decimal | None) -> int | float | None:
    """An exact decimal as the JSON number with the same digits: 49, 1.15, 0.0482."""
    if amount is None:
        return None
    # A float repeats up to 15 digits as they were given, and no amount here has more.
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _prices(plan: Plan) -> dict[str, object]:
    return {
        "price_usd": json_number(plan.price_usd),
        "per_episode_usd": json_number(plan.per_episode_usd),
        "per_download_per_1k_usd": json_number(plan.per_download_per_1k_usd),
    }
