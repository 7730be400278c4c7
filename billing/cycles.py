"""Cycles of 30 days, counted from the moment that a plan began (contracts/podclaw.md A25)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

CYCLE = timedelta(days=30)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle; `end` is the first moment of the next one."""

    start: datetime
    end: datetime

    def days_remaining(self, *, now: datetime) -> int:
        """Days until the end, a begun one counted as a whole."""
        return max(0, -((now - self.end) // _DAY))

    def seconds_remaining(self, *, now: datetime) -> int:
        """Seconds until the next cycle has begun for certain."""
        return int((self.end - now).total_seconds()) + 1


def cycle_at(*, started_at: datetime, now: datetime) -> Cycle:
    """The cycle that `now` lies in; the first one for a moment before the start."""
    passed = max(0, (now - started_at) // CYCLE)
    start = started_at + passed * CYCLE
    return Cycle(start=start, end=start + CYCLE)
