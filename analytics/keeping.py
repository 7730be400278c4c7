"""What counting keeps, and for how long: windows until their day is final, hits, and sums for good."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from analytics.alerts import Sign, raise_alerts
from analytics.ledger import enter_due
from analytics.models import (
    Agent,
    AgentDay,
    Alert,
    Audit,
    BadLine,
    Download,
    EpisodeDay,
    EpisodeDayApp,
    FunnelDay,
    Segment,
    ShowDay,
    Window,
)
from analytics.segments import HitStore, hit_store, joined_archives

log = structlog.get_logger(__name__)

#: A window is final two days and an hour after its day began; then nothing can change it.
WINDOW_DAYS = 4
#: A segment that comes again so late is too late to count anyhow.
SEGMENT_DAYS = 8
AUDIT_DAYS = 3
#: What new agents are compared with needs four weeks; 25 months of funnels tell of two years.
AGENT_DAYS, FUNNEL_DAYS = 35, 760
_CHUNK = 5_000
_TOTAL_NAME = "0-all.gz"


def forget_old(*, now: datetime) -> None:
    """Delete what has had its time, in small transactions; safe to call at any time (R75)."""
    today = now.astimezone(UTC).date()
    _delete(Window.objects.filter(day__lt=today - timedelta(days=WINDOW_DAYS)))
    _delete(Segment.objects.filter(counted_at__lt=now - timedelta(days=SEGMENT_DAYS)))
    _delete(BadLine.objects.filter(found_at__lt=now - timedelta(days=settings.HIT_DAYS)))
    _delete(Agent.objects.filter(last_seen_at__lt=now - timedelta(days=settings.HIT_DAYS)))
    _delete(AgentDay.objects.filter(day__lt=today - timedelta(days=AGENT_DAYS)))
    _delete(FunnelDay.objects.filter(day__lt=today - timedelta(days=FUNNEL_DAYS)))
    store = hit_store()
    for day, names in store.kept().items():
        if day < today - timedelta(days=settings.HIT_DAYS):
            for name in names:
                store.drop(day, name)
        elif day < today - timedelta(days=1) and len(names) > 1:
            _join(store, day, names)


def enter_ledger(*, now: datetime) -> int:
    """Enter into the usage ledger what waited for its turn; returns how many entries."""
    with transaction.atomic(durable=True):
        return enter_due(now=now)


def audit_due(*, now: datetime) -> Audit | None:
    """Audit once a UTC day, the last days; None when that is done (R69)."""
    today = now.astimezone(UTC).date()
    midnight = datetime.combine(today, datetime.min.time(), UTC)
    if Audit.objects.filter(audited_at__gte=midnight).exists():
        return None
    return audit_days(now=now)


def audit_days(*, now: datetime, days: int = AUDIT_DAYS) -> Audit:
    """Compare the sums of the last `days` days with a recount of the rows; reports, repairs nothing."""
    last = now.astimezone(UTC).date()
    first = last - timedelta(days=days - 1)
    start = datetime.combine(first, datetime.min.time(), UTC)
    rows = Download.objects.filter(
        started_at__gte=start, started_at__lt=start + timedelta(days=days)
    )
    counted: dict[tuple[int, str], int] = {}
    shows: dict[tuple[int, str], int] = {}
    apps: dict[tuple[int, str], int] = {}
    for episode, show, app, moment in rows.values_list(
        "episode_id", "show_id", "app_id", "started_at"
    ).iterator(chunk_size=_CHUNK):
        day = moment.astimezone(UTC).date().isoformat()
        for sums, key in ((counted, episode), (shows, show), (apps, app)):
            sums[key, day] = sums.get((key, day), 0) + 1
    differences = [
        *_differences("episode_day", EpisodeDay, "episode_id", counted, (first, last)),
        *_differences("show_day", ShowDay, "show_id", shows, (first, last)),
        *_differences("app_day", EpisodeDayApp, "app_id", apps, (first, last)),
    ]
    if differences:
        log.error("counts_differ", differences=len(differences))
        raise_alerts([Sign(Alert.Kind.AUDIT, last, len(differences), 0)], now=now)
    return Audit.objects.create(
        first_day=first, last_day=last, differences=differences[:200], audited_at=now
    )


def _delete(rows: Any) -> None:
    while True:
        chosen = list(rows.values_list("pk", flat=True)[:_CHUNK])
        if not chosen:
            return
        rows.model.objects.filter(pk__in=chosen).delete()


def _join(store: HitStore, day: date, names: list[str]) -> None:
    """Make one file of a day's many; killed in between, a segment is there twice and read once."""
    packed = joined_archives([store.read_kept(day, name) for name in names])
    store.keep(day, _TOTAL_NAME, packed)
    for name in names:
        if name != _TOTAL_NAME:
            store.drop(day, name)


def _differences(
    name: str,
    model: Any,
    column: str,
    counted: dict[tuple[int, str], int],
    span: tuple[date, date],
) -> list[dict[str, object]]:
    rows = (
        model.objects.filter(day__range=span)
        .values_list(column, "day")
        .annotate(amount=Sum("downloads"))
    )
    held = {(key, day.isoformat()): amount for key, day, amount in rows if amount}
    return [
        {
            "sum": name,
            "id": key,
            "day": day,
            "held": held.get((key, day), 0),
            "counted": counted.get((key, day), 0),
        }
        for key, day in sorted(held.keys() | counted.keys())
        if held.get((key, day), 0) != counted.get((key, day), 0)
    ]
