"""What the OpenAPI document says of plans, the bill and activation."""

from __future__ import annotations

from billing.plans import PLANS
from billing.serializers import Activation
from core.openapi import Operation
from core.schemas import (
    BOOLEAN,
    COUNT,
    MOMENT,
    STRING,
    Schema,
    a_list,
    an_answer,
    an_object,
    one_of,
    or_null,
    titled,
)

_PLAN_ID = one_of(list(PLANS))
_NUMBER: Schema = {"type": "number", "minimum": 0}
_AMOUNT = or_null(_NUMBER)
_PRICES = {
    "price_usd": _AMOUNT,
    "per_episode_usd": _AMOUNT,
    "per_download_per_1k_usd": _AMOUNT,
}
#: A plan without a price has a `contact` instead of the other figures.
_PLAN = titled("Plan", an_object(id=_PLAN_ID, name=STRING, price_usd=_AMOUNT))
_BILLING = an_object(
    plan=_PLAN_ID,
    plan_name=STRING,
    **_PRICES,
    billing_cycle=an_object(start=MOMENT, end=MOMENT, days_remaining=COUNT),
    usage=an_object(
        episodes=an_object(
            used=COUNT,
            limit=or_null(COUNT),
            remaining=or_null(COUNT),
            estimated_usage_cost_usd=_AMOUNT,
        ),
        downloads=an_object(total=COUNT, estimated_usage_cost_usd=_AMOUNT),
        storage=an_object(used_gb=_NUMBER),
    ),
    upgrade_options=a_list(_PLAN),
)
_ACTIVATED = an_object(
    plan=_PLAN_ID, plan_name=STRING, **_PRICES, activated_at=MOMENT, billing_cycle_start=MOMENT
)

PLAN_LIST_OPERATIONS = {
    "GET": Operation("List the plans", {200: an_answer(plans=a_list(_PLAN))}, access="either"),
}
BILLING_OPERATIONS = {
    "GET": Operation(
        "Read the plan, its cycle and what was used", {200: an_answer(billing=_BILLING)}
    ),
}
ACTIVATION_OPERATIONS = {
    "POST": Operation(
        "Activate a plan that is paid for or granted",
        {200: an_answer(message=STRING, billing=_ACTIVATED)},
        body=Activation,
        refusals=(402, 502),
    ),
}
STRIPE_EVENT_OPERATIONS = {
    "POST": Operation(
        "Take an event that Stripe has signed (Stripe-Signature)",
        {200: an_answer(received=BOOLEAN)},
        refusals=(400, 404, 413),
        access="public",
    ),
}
