"""Quota: checked and used in one transaction under the subscription's lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Sum

from accounts.models import Account
from billing.models import Subscription, UsageEntry
from billing.plans import ENTERPRISE, PLANS, Plan
from core.errors import QuotaExceeded

CYCLE = timedelta(days=30)


class EpisodeQuotaExceeded(QuotaExceeded):
    """The plan's episodes of this cycle are used up (contracts/podclaw.md E10)."""

    code = "episode_limit_reached"


class ShowQuotaExceeded(QuotaExceeded):
    """The plan's number of shows is reached (contracts/podclaw.md E2)."""

    code = "show_limit_reached"


@dataclass(frozen=True, slots=True)
class EpisodeUsage:
    """How many episodes of the current cycle are used; `limit` None means no cap."""

    plan: Plan
    used: int
    limit: int | None
    cycle_ends_at: datetime

    @property
    def remaining(self) -> int | None:
        """Episodes left in this cycle, None without a cap."""
        return None if self.limit is None else max(0, self.limit - self.used)


def plan_of(account: Account) -> Plan:
    """The plan that applies to `account`; the operator's own account has no limits."""
    return _plan(_subscription(account))


def episode_usage(account: Account, *, now: datetime) -> EpisodeUsage:
    """Episodes used in the cycle that `now` lies in."""
    return _episode_usage(_subscription(account), now=now)


def use_episode(*, account: Account, reference: str, now: datetime) -> None:
    """Enter one episode into the ledger, or raise `EpisodeQuotaExceeded`.

    Demands an open transaction, so that usage and episode are stored together. An episode that was
    entered before (`reference`, its guid) costs nothing again (contracts/podclaw.md A26).
    """
    subscription = _locked_subscription(account)
    entries, balance = _episode_entries(reference)
    if balance > 0:
        return
    usage = _episode_usage(subscription, now=now)
    if usage.remaining == 0:
        raise EpisodeQuotaExceeded(
            f"Episode limit reached. Your {usage.plan.name} plan allows {usage.limit} episodes/month "
            f"({usage.used} used). Upgrade at GET /api/billing",
            details={
                "usage": {
                    "episodes_used": usage.used,
                    "episodes_limit": usage.limit,
                    "plan": usage.plan.id,
                },
                "retry_after": int((usage.cycle_ends_at - now).total_seconds()) + 1,
            },
        )
    UsageEntry.objects.create(
        account=account,
        kind=UsageEntry.Kind.EPISODE,
        reference=reference,
        number=entries,
        occurred_at=now,
    )


def return_episode(*, account: Account, reference: str, now: datetime) -> None:
    """Give an episode back whose making failed before anybody could hear it.

    Demands an open transaction; returning twice, or what was never used, changes nothing.
    """
    _locked_subscription(account)
    entries, balance = _episode_entries(reference)
    if balance > 0:
        UsageEntry.objects.create(
            account=account,
            kind=UsageEntry.Kind.EPISODE,
            reference=reference,
            number=entries,
            quantity=-1,
            occurred_at=now,
        )


def require_room_for_show(*, account: Account, shows_used: int) -> None:
    """Raise `ShowQuotaExceeded` when `shows_used` fills the plan; demands an open transaction."""
    plan = _plan(_locked_subscription(account))
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
    """Give an account a plan whose cycle starts now; False when it has that plan already.

    The cycle of a plan that stays is not moved (contracts/podclaw.md A5).
    """
    with transaction.atomic(durable=True):
        subscription = _locked_subscription(Account.objects.get(pk=account_id))
        if subscription.plan == plan.id:
            return False
        subscription.plan = plan.id
        subscription.cycle_started_at = now
        subscription.save(update_fields=["plan", "cycle_started_at"])
        return True


def lock_quota(account: Account) -> None:
    """Hold the account's quota lock until the end of the transaction, so that counts stay true."""
    _locked_subscription(account)


def _subscription(account: Account) -> Subscription:
    subscription, _made = Subscription.objects.get_or_create(
        account=account,
        defaults={
            "plan": ENTERPRISE.id if account.is_operator else settings.DEFAULT_PLAN,
            "cycle_started_at": account.created_at,
        },
    )
    subscription.account = account
    return subscription


def _locked_subscription(account: Account) -> Subscription:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("Quota is used inside a transaction only.")
    subscription = _subscription(account)
    locked = Subscription.objects.select_for_update().get(pk=subscription.pk)
    locked.account = account
    return locked


def _episode_entries(reference: str) -> tuple[int, int]:
    """How many entries an episode has, and their sum (1 = used, 0 = not used or given back)."""
    found = UsageEntry.objects.filter(kind=UsageEntry.Kind.EPISODE, reference=reference).aggregate(
        entries=Count("pk"), balance=Sum("quantity")
    )
    return found["entries"], found["balance"] or 0


def _plan(subscription: Subscription) -> Plan:
    return PLANS[subscription.plan]


def _episode_usage(subscription: Subscription, *, now: datetime) -> EpisodeUsage:
    cycles = max(0, (now - subscription.cycle_started_at) // CYCLE)
    start = subscription.cycle_started_at + cycles * CYCLE
    used = (
        UsageEntry.objects.filter(
            account=subscription.account, kind=UsageEntry.Kind.EPISODE, occurred_at__gte=start
        ).aggregate(total=Sum("quantity"))["total"]
        or 0
    )
    plan = _plan(subscription)
    return EpisodeUsage(
        plan=plan, used=max(0, used), limit=plan.episodes_per_month, cycle_ends_at=start + CYCLE
    )
