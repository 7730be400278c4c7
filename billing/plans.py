"""The plans as data (contracts/podclaw.md section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """Prices in US dollars, None where they are agreed one by one; a limit of None means no cap."""

    id: str
    name: str
    price_usd: Decimal | None
    per_episode_usd: Decimal | None
    per_download_per_1k_usd: Decimal | None
    episodes_per_month: int | None
    max_shows: int | None

    @property
    def is_for_sale(self) -> bool:
        """Whether anybody can buy it: it costs something, and how much is known."""
        return bool(self.price_usd)


SANDBOX = Plan("sandbox", "Sandbox", Decimal(0), Decimal(0), Decimal(0), 10, 5)
AGENT_PRO = Plan(
    "agent_pro", "Agent Pro", Decimal(49), Decimal("0.05"), Decimal("0.01"), None, None
)
AGENT_SCALE = Plan(
    "agent_scale",
    "Agent Scale",
    Decimal(199),
    Decimal("0.03"),
    Decimal("0.005"),
    None,
    None,
)
ENTERPRISE = Plan("enterprise", "Enterprise", None, None, None, None, None)

#: From the smallest to the largest.
PLANS = {plan.id: plan for plan in (SANDBOX, AGENT_PRO, AGENT_SCALE, ENTERPRISE)}
FOR_SALE = tuple(plan for plan in PLANS.values() if plan.is_for_sale)


def plans_above(plan: Plan) -> list[Plan]:
    """The larger plans, smallest first."""
    ordered = list(PLANS.values())
    return ordered[ordered.index(plan) + 1 :]


def larger_plan(one: Plan, other: Plan) -> Plan:
    """The one of the two that stands later in the table."""
    return other if other in plans_above(one) else one
