"""How counting fares: lag, lines put aside, and signs that something is set wrong (R40, R70)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db.models import Sum

from analytics.alerts import Sign, raise_alerts
from analytics.losses import read_losses
from analytics.models import Alert, BadLine, Counter, StepDay
from analytics.reasons import LOCAL, Reason, Step
from analytics.segments import hit_store, moment_of_segment

#: Hits that wait longer than so many seconds are worth an alert.
LAG_SECONDS = 300
_LEAST_HITS = 100


@dataclass(frozen=True, slots=True)
class Health:
    """`lag_seconds` is the age of the oldest segment that waits."""

    lag_seconds: int
    waiting_segments: int
    #: Of this machine.
    lost_hits: int
    bad_lines: int
    late_hits: int
    #: Of today and yesterday, and how many of them came from home networks.
    hits: int
    local_hits: int

    @property
    def most_are_local(self) -> bool:
        """True when more than half come from home networks (R40)."""
        return self.hits >= _LEAST_HITS and self.local_hits * 2 > self.hits


def counting_health(*, now: datetime) -> Health:
    """The figures of this moment."""
    waiting = hit_store().waiting()
    oldest = moment_of_segment(waiting[0]) if waiting else None
    bad = Counter.objects.filter(pk=1).values_list("bad_lines", flat=True).first()
    today = now.astimezone(UTC).date()
    rows = StepDay.objects.filter(day__gte=today - timedelta(days=1))
    steps = dict(rows.values("step").annotate(all=Sum("amount")).values_list("step", "all"))
    hits = steps.get(Step.ELIGIBLE.value, 0) + sum(steps.get(one.value, 0) for one in Reason)
    return Health(
        lag_seconds=max(0, int((now - oldest).total_seconds())) if oldest else 0,
        waiting_segments=len(waiting),
        lost_hits=read_losses(settings.DATA_DIR / "spool").total,
        bad_lines=bad or 0,
        late_hits=steps.get(Reason.LATE.value, 0),
        hits=hits,
        local_hits=steps.get(LOCAL, 0),
    )


def report_health(*, now: datetime) -> Health:
    """Raise an alert for what an operator should look at; returns the figures."""
    health = counting_health(now=now)
    today = now.astimezone(UTC).date()
    lost = _lost_since_midnight(health, today)
    bad = BadLine.objects.filter(found_at__gte=datetime.combine(today, time(), UTC)).count()
    signs = []
    if health.lag_seconds > LAG_SECONDS:
        signs.append(Sign(Alert.Kind.LAG, today, health.lag_seconds, LAG_SECONDS))
    if lost:
        signs.append(Sign(Alert.Kind.LOST, today, lost, 0))
    if bad:
        signs.append(Sign(Alert.Kind.BAD_LINES, today, bad, 0))
    if health.most_are_local:
        # Listeners are seldom all at home: a proxy that TRUSTED_PROXIES does not name hides them.
        signs.append(Sign(Alert.Kind.LOCAL, today, health.local_hits, health.hits // 2))
    raise_alerts(signs, now=now)
    return health


def _lost_since_midnight(health: Health, today: date) -> int:
    """All lost hits of this machine, if the last one was lost today."""
    last_at = read_losses(settings.DATA_DIR / "spool").last_at
    return health.lost_hits if datetime.fromtimestamp(last_at, UTC).date() == today else 0
