"""What an account has used in its cycle and what that costs, in exact decimals (contracts/podclaw.md E20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from accounts.models import Account
from billing.cycles import Cycle, cycle_at
from billing.ledger import stored_bytes, used_in
from billing.models import UsageEntry
from billing.plans import PLANS, Plan
from billing.services import EpisodeUsage, subscription_of

_BYTES_PER_GB = Decimal(1_000_000_000)
_KILOBYTE = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Statement:
    """One cycle so far; costs are estimates in US dollars without the base fee, None if not known."""

    plan: Plan
    cycle: Cycle
    episodes: EpisodeUsage
    downloads: int
    stored_gb: Decimal
    is_paid: bool

    @property
    def episodes_cost(self) -> Decimal | None:
        """Episodes times their price."""
        return _cost(self.episodes.used, self.plan.per_episode_usd, per=1)

    @property
    def downloads_cost(self) -> Decimal | None:
        """Thousands of downloads, begun ones in part, times their price."""
        return _cost(self.downloads, self.plan.per_download_per_1k_usd, per=1_000)


def statement_of(account: Account, *, now: datetime) -> Statement:
    """The statement of the cycle that `now` lies in."""
    subscription = subscription_of(account)
    plan = PLANS[subscription.plan]
    cycle = cycle_at(started_at=subscription.cycle_started_at, now=now)
    episodes = used_in(cycle, account=account, kind=UsageEntry.Kind.EPISODE)
    stored = Decimal(stored_bytes(account=account)) / _BYTES_PER_GB
    return Statement(
        plan=plan,
        cycle=cycle,
        episodes=EpisodeUsage(plan=plan, used=episodes, cycle=cycle),
        downloads=used_in(cycle, account=account, kind=UsageEntry.Kind.DOWNLOAD),
        stored_gb=stored.quantize(_KILOBYTE),
        is_paid=bool(subscription.billed_to),
    )


def _cost(quantity: int, price: Decimal | None, *, per: int) -> Decimal | None:
    return None if price is None else quantity * price / per
