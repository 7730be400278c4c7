"""The plans as data (contracts/podclaw.md section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """Prices in US dollars; a limit of None means no cap."""

    id: str
    name: str
    price_usd: Decimal | None
    per_episode_usd: Decimal | None
    per_download_per_1k_usd: Decimal | None
    episodes_per_month: int | None
    max_shows: int | None
    narration_characters: int


SANDBOX = Plan("sandbox", "Sandbox", Decimal(0), Decimal(0), Decimal(0), 10, 5, 15_000)
AGENT_PRO = Plan(
    "agent_pro", "Agent Pro", Decimal(49), Decimal("0.05"), Decimal("0.01"), None, None, 50_000
)
AGENT_SCALE = Plan(
    "agent_scale",
    "Agent Scale",
    Decimal(199),
    Decimal("0.03"),
    Decimal("0.005"),
    None,
    None,
    50_000,
)
ENTERPRISE = Plan("enterprise", "Enterprise", None, None, None, None, None, 50_000)

PLANS = {plan.id: plan for plan in (SANDBOX, AGENT_PRO, AGENT_SCALE, ENTERPRISE)}
