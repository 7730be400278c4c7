"""How much may be generated: episodes a minute, and episodes under way at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Sum

from accounts.models import Account
from billing.services import episode_usage
from core.errors import QuotaExceeded
from studio.models import Generation, GenerationRequest

EPISODES_PER_MINUTE = 10
EPISODES_AT_ONCE = 5
MINUTE = timedelta(minutes=1)


class GenerationRateExceeded(QuotaExceeded):
    """EPISODES_PER_MINUTE episodes were asked for within the last minute."""

    code = "rate_limited"


class ConcurrentLimitReached(QuotaExceeded):
    """EPISODES_AT_ONCE episodes are under way."""

    code = "concurrent_limit_exceeded"


class CreditsShort(QuotaExceeded):
    """The plan has fewer episodes left in this cycle than were asked for."""

    code = "insufficient_credits"


def require_room(
    *, account: Account, episodes: int, now: datetime, is_charged: bool = False
) -> None:
    """Refuse unless `episodes` may be generated now; nothing is charged by it.

    `is_charged` tells that the plan has counted them before.

    A batch that begins while fewer than EPISODES_AT_ONCE are under way is taken whole: what does not
    fit waits (contracts/jellypod.md section 13). Exact only for a caller who holds the account's
    quota lock. Raises `GenerationRateExceeded`, `ConcurrentLimitReached`, `CreditsShort`.
    """
    _require_rate(account=account, episodes=episodes, now=now)
    planned = _sum_of_weights(account, is_planning=True)
    if Generation.objects.under_way(account).count() + planned >= EPISODES_AT_ONCE:
        raise ConcurrentLimitReached(
            f"At most {EPISODES_AT_ONCE} episodes are generated at once; wait until one is done.",
            details={"retry_after": 30},
        )
    usage = episode_usage(account, now=now)
    if is_charged or usage.remaining is None:
        return
    if usage.remaining < episodes + planned:
        raise CreditsShort(
            f"Not enough credits: {episodes} episodes were asked for, and {usage.remaining} are left "
            f"in this cycle."
        )


def _require_rate(*, account: Account, episodes: int, now: datetime) -> None:
    recent = GenerationRequest.objects.filter(account=account, created_at__gt=now - MINUTE)
    used = recent.aggregate(total=Sum("weight"))["total"] or 0
    if used + episodes <= EPISODES_PER_MINUTE:
        return
    oldest = recent.order_by("created_at").values_list("created_at", flat=True).first() or now
    seconds = int((oldest + MINUTE - now).total_seconds()) + 1
    raise GenerationRateExceeded(
        f"At most {EPISODES_PER_MINUTE} episodes can be asked for in a minute: {used} were, and "
        f"this request asks for {episodes}. Send it again in {seconds} s.",
        details={"retry_after": seconds},
    )


def _sum_of_weights(account: Account, **where: object) -> int:
    found = GenerationRequest.objects.filter(account=account, **where)
    return found.aggregate(total=Sum("weight"))["total"] or 0
