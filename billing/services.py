"""Quota: checked and used in one transaction under the subscription's lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField

from accounts.models import Account
from billing.cycles import Cycle, cycle_at
from billing.ledger import episode_entries, payer_of_episode, used_in
from billing.models import Subscription, UsageEntry
from billing.plans import ENTERPRISE, PLANS, Plan
from billing.settling import settle_plan
from core.errors import QuotaExceeded
from core.prepared import Given, Prepared, PreparedInsert

_HELD = Prepared(
    lambda: Subscription.objects.select_for_update().filter(
        account_id=Given("account", BigIntegerField())
    )
)
_NEW_ENTRIES = PreparedInsert(UsageEntry)


@dataclass(frozen=True, slots=True)
class EpisodeUsage:
    """How many episodes of the current cycle are used; `limit` None means no cap."""

    plan: Plan
    used: int
    cycle: Cycle

    @property
    def limit(self) -> int | None:
        """Episodes of one cycle, None without a cap."""
        return self.plan.episodes_per_month

    @property
    def remaining(self) -> int | None:
        """Episodes left in this cycle, None without a cap."""
        return None if self.limit is None else max(0, self.limit - self.used)


class EpisodeQuotaExceeded(QuotaExceeded):
    """The plan's episodes of this cycle are used up; the contract that was called says how.

    PodClaw answers 429 with `details` (E10), PodRead and Jellypod 402 with numbers from `usage`.
    """

    code = "episode_limit_reached"

    def __init__(self, usage: EpisodeUsage, *, now: datetime) -> None:
        super().__init__(
            f"Episode limit reached. Your {usage.plan.name} plan allows {usage.limit} episodes/month "
            f"({usage.used} used). Upgrade at GET /api/billing",
            details={
                "usage": {
                    "episodes_used": usage.used,
                    "episodes_limit": usage.limit,
                    "plan": usage.plan.id,
                },
                "retry_after": usage.cycle.seconds_remaining(now=now),
            },
        )
        self.usage = usage


class ShowQuotaExceeded(QuotaExceeded):
    """The plan's number of shows is reached (contracts/podclaw.md E2)."""

    code = "show_limit_reached"


def plan_of(account: Account) -> Plan:
    """The plan that applies to `account`; the operator's own account has no limits."""
    return PLANS[subscription_of(account).plan]


def episode_usage(account: Account, *, now: datetime) -> EpisodeUsage:
    """Episodes used in the cycle that `now` lies in."""
    return _episode_usage(subscription_of(account), now=now)


def use_episode(*, account: Account, reference: str, now: datetime) -> None:
    """Enter one episode into the ledger, or raise `EpisodeQuotaExceeded`.

    Demands an open transaction, so that usage and episode are stored together. An episode that was
    entered before (`reference`, its guid) costs nothing again (contracts/podclaw.md A26).
    """
    subscription = locked_subscription(account)
    entries, balance = episode_entries(reference=reference)
    if balance <= 0:
        _use_episode(subscription, reference=reference, number=entries, now=now)


def use_new_episode(*, quota: Subscription, reference: str, now: datetime) -> None:
    """As `use_episode`, for a guid that has just been made, under the quota that `lock_quota` holds."""
    _use_episode(quota, reference=reference, number=0, now=now)


def return_episode(*, account: Account, reference: str, now: datetime) -> None:
    """Give an episode back whose making failed before anybody could hear it.

    Demands an open transaction; returning twice, or what was never used, changes nothing.
    """
    locked_subscription(account)
    entries, balance = episode_entries(reference=reference)
    if balance > 0:
        UsageEntry.objects.create(
            account=account,
            kind=UsageEntry.Kind.EPISODE,
            reference=reference,
            number=entries,
            quantity=-1,
            occurred_at=now,
            billed_to=payer_of_episode(reference=reference),
        )


def require_room_for_show(*, account: Account, shows_used: int) -> None:
    """Raise `ShowQuotaExceeded` when `shows_used` fills the plan; demands an open transaction."""
    plan = PLANS[locked_subscription(account).plan]
    if plan.max_shows is not None and shows_used >= plan.max_shows:
        raise ShowQuotaExceeded(
            f"Show limit reached. Your {plan.name} plan allows {plan.max_shows} shows "
            f"({shows_used} used). Upgrade at GET /api/billing",
            details={
                "usage": {
                    "shows_used": shows_used,
                    "shows_limit": plan.max_shows,
                    "plan": plan.id,
                }
            },
        )


def grant_plan(*, account_id: int, plan: Plan, now: datetime) -> bool:
    """Set what an account has without paying; its cycle starts now. False when its plan stays.

    What is paid for and larger stays, and so does the cycle of a plan that stays.
    """
    with transaction.atomic(durable=True):
        subscription = locked_subscription(Account.objects.get(pk=account_id))
        subscription.granted_plan = plan.id
        return settle_plan(subscription, now=now)


def lock_quota(account: Account) -> Subscription:
    """Hold the account's quota lock until the end of the transaction, so that counts stay true."""
    return locked_subscription(account)


def subscription_of(account: Account) -> Subscription:
    """The account's subscription, made on first use."""
    subscription, _made = Subscription.objects.get_or_create(
        account=account, defaults=_first_subscription(account)
    )
    subscription.account = account
    return subscription


def locked_subscription(account: Account) -> Subscription:
    """The account's subscription, held until the end of the transaction, which has to be open."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("Quota is used inside a transaction only.")
    subscription = _HELD.first(account=account.pk)
    if subscription is None:
        subscription_of(account)
        subscription = Subscription.objects.select_for_update().get(account=account)
    subscription.account = account
    return subscription


def _use_episode(subscription: Subscription, *, reference: str, number: int, now: datetime) -> None:
    if PLANS[subscription.plan].episodes_per_month is not None:
        usage = _episode_usage(subscription, now=now)
        if usage.remaining == 0:
            raise EpisodeQuotaExceeded(usage, now=now)
    entry = UsageEntry(
        account=subscription.account,
        kind=UsageEntry.Kind.EPISODE,
        reference=reference,
        number=number,
        occurred_at=now,
        billed_to=subscription.billed_to,
    )
    _NEW_ENTRIES.save(entry)


def _first_subscription(account: Account) -> dict[str, object]:
    plan = ENTERPRISE.id if account.is_operator else settings.DEFAULT_PLAN
    return {"plan": plan, "granted_plan": plan, "cycle_started_at": account.created_at}


def _episode_usage(subscription: Subscription, *, now: datetime) -> EpisodeUsage:
    cycle = cycle_at(started_at=subscription.cycle_started_at, now=now)
    used = used_in(cycle, account=subscription.account, kind=UsageEntry.Kind.EPISODE)
    return EpisodeUsage(plan=PLANS[subscription.plan], used=used, cycle=cycle)
