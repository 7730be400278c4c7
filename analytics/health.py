"""How counting fares: lag, lines put aside, and signs that something is set wrong (R40, R70)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.db.models import Sum

from analytics.models import Counter, FunnelDay
from analytics.reasons import LOCAL, Reason, Step
from analytics.segments import hit_store, moment_of_segment

log = structlog.get_logger(__name__)

#: Hits that wait longer than so many seconds are worth a line in the log.
LAG_SECONDS = 300
_LEAST_HITS = 100


@dataclass(frozen=True, slots=True)
class Health:
    """`lag_seconds` is the age of the oldest segment that waits."""

    lag_seconds: int
    waiting_segments: int
    bad_lines: int
    late_hits: int
    most_are_local: bool


def counting_health(*, now: datetime) -> Health:
    """The figures of this moment."""
    waiting = hit_store().waiting()
    oldest = moment_of_segment(waiting[0]) if waiting else None
    bad = Counter.objects.filter(pk=1).values_list("bad_lines", flat=True).first()
    today = now.astimezone(UTC).date()
    rows = FunnelDay.objects.filter(day__gte=today - timedelta(days=1))
    steps = dict(rows.values("step").annotate(all=Sum("amount")).values_list("step", "all"))
    hits = steps.get(Step.ELIGIBLE.value, 0) + sum(steps.get(one.value, 0) for one in Reason)
    return Health(
        lag_seconds=max(0, int((now - oldest).total_seconds())) if oldest else 0,
        waiting_segments=len(waiting),
        bad_lines=bad or 0,
        late_hits=steps.get(Reason.LATE.value, 0),
        most_are_local=hits >= _LEAST_HITS and steps.get(LOCAL, 0) * 2 > hits,
    )


def report_health(*, now: datetime) -> Health:
    """Log what an operator should look at; returns the figures."""
    health = counting_health(now=now)
    if health.lag_seconds > LAG_SECONDS:
        log.warning("counting_lags", seconds=health.lag_seconds, segments=health.waiting_segments)
    if health.most_are_local:
        # Listeners are seldom all at home: a proxy that TRUSTED_PROXIES does not name hides them.
        log.warning("most_hits_are_local")
    return health
