"""When a failed delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: The wait after each failed attempt; after the last one there is one more attempt.
RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MAX_ATTEMPTS = len(RETRY_AFTER) + 1
#: Up to so much of a wait is added to it, so that what failed together does not return together.
JITTER = 0.2
#: An endpoint may ask for more patience, but not for more than the longest wait.
LONGEST_WAIT = RETRY_AFTER[-1]


def retry_at(
    *, attempts: int, now: datetime, asked_for: timedelta | None, chance: float
) -> datetime | None:
    """When to try again after `attempts` (1 or more) of them failed; None when they are used up.

    `asked_for` is the endpoint's Retry-After and only ever prolongs the wait; `chance` is a random
    number from 0 to 1.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    wait = RETRY_AFTER[max(attempts, 1) - 1] * (1 + JITTER * chance)
    if asked_for is not None:
        wait = max(wait, min(asked_for, LONGEST_WAIT))
    return now + wait


def parse_retry_after(header: str, *, now: datetime) -> timedelta | None:
    """The wait that a Retry-After header asks for: seconds or an HTTP date; None when it is neither."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        # More digits than any sane wait has.
        return LONGEST_WAIT if len(text) > 9 else timedelta(seconds=int(text))  # noqa: PLR2004
    try:
        moment = parsedate_to_datetime(text)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return max(moment - now, timedelta())
