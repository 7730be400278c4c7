"""How many requests an account may send in a minute, and the headers that tell it."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings

from core.errors import QuotaExceeded
from core.throttles import Tally, count_event

log = structlog.get_logger(__name__)

WINDOW = timedelta(minutes=1)


class TooManyRequests(QuotaExceeded):
    """REQUESTS_PER_MINUTE requests of this account have been answered within the minute."""

    code = "too_many_requests"


def count_request(*, account: str, now: datetime) -> Tally | None:
    """Count one request of `account`; None when there is no limit, or no counting at the moment.

    It lets requests through when the counts cannot be written: the limit guards against runaway
    clients, and a full disk must not lock everybody out as well.
    """
    if not settings.REQUESTS_PER_MINUTE:
        return None
    try:
        return count_event(
            settings.DATA_DIR / "requests",
            key=account.encode(),
            limit=settings.REQUESTS_PER_MINUTE,
            window=WINDOW,
            now=now,
        )
    except OSError:
        log.exception("request_limit_not_counted")
        return None


def refusal(tally: Tally) -> TooManyRequests:
    """What to raise when `tally` is over."""
    seconds = tally.resets_in_seconds
    return TooManyRequests(
        f"Too many requests: an account may send {tally.limit} a minute. "
        f"Send the request again in {seconds} s.",
        details={"retry_after": seconds},
    )


def limit_headers(tally: Tally) -> dict[str, str]:
    """The three headers that clients read, and Retry-After on a refusal; all times are seconds."""
    headers = {
        "RateLimit-Limit": str(tally.limit),
        "RateLimit-Remaining": str(tally.remaining),
        "RateLimit-Reset": str(tally.resets_in_seconds),
    }
    if tally.is_over:
        headers["Retry-After"] = headers["RateLimit-Reset"]
    return headers
