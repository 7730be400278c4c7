"""How much of what may be narrated: requests per hour, and characters by plan."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import Account
from billing.services import EpisodeQuotaExceeded, episode_usage, plan_of
from core.errors import Invalid, QuotaExceeded
from narration.models import NarrationRequest

REQUESTS_PER_HOUR = 20
HOUR = timedelta(hours=1)
MINIMUM_CHARACTERS = 100


class HourlyLimitReached(QuotaExceeded):
    """REQUESTS_PER_HOUR narrations were accepted within the last hour."""

    code = "hourly_limit_reached"


class TextTooShort(Invalid):
    """There is less text than anybody would want to hear."""

    code = "text_too_short"


class TextTooLong(Invalid):
    """There is more text than the plan allows."""

    code = "text_too_long"


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
    if recent >= REQUESTS_PER_HOUR:
        raise HourlyLimitReached("You've reached your hourly episode limit")


def require_acceptable_length(*, account: Account, characters: int) -> None:
    """Raise `TextTooShort` or `TextTooLong`, in the contract's words."""
    if characters < MINIMUM_CHARACTERS:
        raise TextTooShort(
            f"Content must be at least {MINIMUM_CHARACTERS} characters", field="text"
        )
    most = plan_of(account).narration_characters
    if characters > most:
        raise TextTooLong(
            f"Content exceeds your plan's {most:,} character limit ({characters:,} characters)",
            field="text",
            details={"limit": most, "characters": characters},
        )
