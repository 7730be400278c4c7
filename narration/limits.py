"""How much of what may be narrated: requests per hour, and characters by plan."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import Account
from billing.plans import Plan
from billing.services import EpisodeQuotaExceeded, episode_usage, plan_of
from core.errors import Invalid, QuotaExceeded
from core.throttles import count_event
from narration.models import NarrationRequest

HOUR = timedelta(hours=1)


class HourlyLimitReached(QuotaExceeded):
    """NARRATIONS_PER_HOUR narrations were accepted within the last hour."""

    code = "hourly_limit_reached"


class TooManyCalls(QuotaExceeded):
    """The caller sends more requests than any honest one; `details` say when to come back."""

    code = "too_many_calls"


class TextTooShort(Invalid):
    """There is less text than anybody would want to hear."""

    code = "text_too_short"


class TextTooLong(Invalid):
    """There is more text than the plan allows."""

    code = "text_too_long"


def limit_calls(name: str, *, key: bytes, limit: int, window: timedelta, now: datetime) -> None:
    """Count one call of `key`, or raise `TooManyCalls` when `limit` is reached in this window."""
    tally = count_event(settings.DATA_DIR / name, key=key, limit=limit, window=window, now=now)
    if tally.is_over:
        raise TooManyCalls(
            "Rate limit exceeded. Please try again later.",
            details={"retry_after": tally.resets_in_seconds},
        )


def require_room(*, account: Account, now: datetime) -> None:
    """Raise `EpisodeQuotaExceeded` or `HourlyLimitReached` when nothing can be accepted now."""
    require_episodes_left(account=account, now=now)
    require_hourly_room(account=account, now=now)


def require_episodes_left(*, account: Account, now: datetime) -> None:
    """Raise `EpisodeQuotaExceeded` when the plan has no episode left in this cycle."""
    usage = episode_usage(account, now=now)
    if usage.remaining == 0:
        raise EpisodeQuotaExceeded(usage, now=now)


def require_hourly_room(*, account: Account, now: datetime) -> None:
    """Raise `HourlyLimitReached`; exact only for a caller who holds the account's quota lock."""
    recent = NarrationRequest.objects.filter(account=account, created_at__gt=now - HOUR).count()
    if recent >= settings.NARRATIONS_PER_HOUR:
        raise HourlyLimitReached("You've reached your hourly episode limit")


def require_enough(characters: int) -> None:
    """Raise `TextTooShort`, in the contract's words."""
    least = settings.NARRATION_MINIMUM_CHARACTERS
    if characters < least:
        raise TextTooShort(f"Content must be at least {least} characters", field="text")


def require_acceptable_length(*, account: Account, characters: int) -> None:
    """Raise `TextTooShort` or `TextTooLong`, in the contract's words."""
    require_enough(characters)
    most = characters_allowed(plan_of(account))
    if characters > most:
        raise TextTooLong(
            f"Content exceeds your plan's {most:,} character limit ({characters:,} characters)",
            field="text",
            details={"limit": most, "characters": characters},
        )


def characters_allowed(plan: Plan) -> int:
    """The longest text that is narrated on `plan`."""
    if is_paid(plan):
        return int(settings.NARRATION_PAID_CHARACTERS)
    return int(settings.NARRATION_FREE_CHARACTERS)


def is_paid(plan: Plan) -> bool:
    """Whether the plan has a price; one whose price is agreed with each customer (None) has."""
    return plan.price_usd is None or plan.price_usd > 0
