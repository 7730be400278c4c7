"""Reports usage to Stripe: what the ledger has and the reports have not, once per customer and day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Sum
from django.db.models.functions import TruncDate

from billing.cycles import cycle_at
from billing.gateways.base import Gateway, GatewayRefused, MeteredUsage
from billing.models import Subscription, UsageEntry, UsageReport
from billing.states import WorkState
from billing.work import claim, finish, put_back
from core.errors import PodwrightError

log = structlog.get_logger(__name__)
#: Names of the meters' events at Stripe.
METERS = {"episode": "podwright_episodes", "download": "podwright_downloads"}
#: Stripe takes usage of the last 35 days; the rest is for the clocks.
REPORTABLE = timedelta(days=34)
#: Stripe forgets identifiers after a day at the earliest.
IDENTIFIER_KEPT = timedelta(hours=23)
#: The last day of a cycle is reported as it goes, so that its invoice has it.
CLOSING = timedelta(days=1)
OPEN_DAY_EVERY = timedelta(hours=1)
_MAX_SENT_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Bucket:
    """The usage of one customer on one UTC day, in the ledger or in reports."""

    account_id: int
    customer_id: str
    kind: str
    day: date

    @property
    def key(self) -> tuple[str, str, date]:
        return self.customer_id, self.kind, self.day


def plan_reports(*, now: datetime) -> int:
    """Write a report for every day that the ledger knows more of than the reports; returns how many.

    A day that is not over waits for its end, unless its cycle ends within a day.
    """
    since = datetime.combine((now - REPORTABLE).date(), time(), tzinfo=UTC)
    known = _reported(since=since)
    closing = _closing_customers(now=now)
    made = 0
    for bucket, total, happened_at in _used(since=since):
        count, reported, last_at = known.get(bucket.key, (0, 0, None))
        if total == reported:
            continue
        if bucket.day == now.date() and not (
            bucket.customer_id in closing and (last_at is None or last_at <= now - OPEN_DAY_EVERY)
        ):
            continue
        made += _add_report(
            bucket, number=count, quantity=total - reported, happened_at=happened_at, now=now
        )
    return made


def send_reports(*, gateway: Gateway, now: datetime) -> int:
    """Send what waits and is due; returns how many reports were looked at."""
    return sum(
        send_report(report_pk=pk, gateway=gateway, now=now)
        for pk in UsageReport.objects.claimable_ids(now=now, limit=_MAX_SENT_AT_ONCE)
    )


def send_report(*, report_pk: int, gateway: Gateway, now: datetime) -> bool:
    """Send one report if it is due and free; False when there was nothing to do."""
    row = claim(UsageReport.objects.all(), pk=report_pk, now=now)
    if row is None:
        return False
    try:
        if not _has_arrived(row, gateway=gateway, now=now):
            gateway.report_usage(
                MeteredUsage(
                    meter=METERS[row.kind],
                    customer_id=row.customer_id,
                    quantity=row.quantity,
                    identifier=str(row.identifier),
                    happened_at=row.happened_at,
                )
            )
    except GatewayRefused as error:
        log.warning("usage_report_refused", report_id=row.pk)
        finish(row, WorkState.FAILED, error=error.message, now=now)
    except PodwrightError as error:
        log.warning("usage_report_not_sent", report_id=row.pk, code=error.code)
        put_back(row, error=f"{error.code}: {error.message}", now=now)
    else:
        finish(row, WorkState.DONE, now=now)
    return True


def _has_arrived(row: UsageReport, *, gateway: Gateway, now: datetime) -> bool:
    """Whether Stripe counted an earlier attempt of which we never heard the end.

    Within a day its identifier tells Stripe so. Later we ask what was counted in the minute of the
    usage: no two reports of a customer and kind have the same minute.
    """
    if row.first_tried_at is None:
        # Noted before the attempt: a worker that is killed leaves the note.
        UsageReport.objects.filter(pk=row.pk).update(first_tried_at=now)
        return False
    if now - row.first_tried_at < IDENTIFIER_KEPT:
        return False
    minute = row.happened_at.replace(second=0, microsecond=0)
    counted = gateway.reported_in_minute(
        meter=METERS[row.kind], customer_id=row.customer_id, minute=minute
    )
    return counted == row.quantity


def _used(*, since: datetime) -> Iterable[tuple[_Bucket, int, datetime]]:
    """Buckets of the ledger, each with its quantity and the moment of its last entry."""
    rows = (
        UsageEntry.objects.filter(kind__in=list(METERS), occurred_at__gte=since)
        .exclude(billed_to="")
        .annotate(day=TruncDate("occurred_at", tzinfo=UTC))
        .values("account_id", "billed_to", "kind", "day")
        .annotate(total=Sum("quantity"), last_at=Max("occurred_at"))
        .order_by("day", "billed_to", "kind")
    )
    for row in rows:
        bucket = _Bucket(row["account_id"], row["billed_to"], row["kind"], row["day"])
        yield bucket, row["total"], row["last_at"]


def _reported(*, since: datetime) -> dict[tuple[str, str, date], tuple[int, int, datetime]]:
    """How many reports each bucket has, their sum, and when the last one was written."""
    rows = (
        UsageReport.objects.filter(day__gte=since.date())
        .values("customer_id", "kind", "day")
        .annotate(count=Count("pk"), total=Sum("quantity"), last_at=Max("created_at"))
        .order_by("day")
    )
    return {
        (row["customer_id"], row["kind"], row["day"]): (row["count"], row["total"], row["last_at"])
        for row in rows
    }


def _closing_customers(*, now: datetime) -> set[str]:
    """Customers whose cycle ends within a day, or who pay no longer."""
    paying = Subscription.objects.exclude(billed_to="")
    cycles = paying.values_list("billed_to", "cycle_started_at")
    open_ones = {
        customer
        for customer, started_at in cycles
        if cycle_at(started_at=started_at, now=now).end - now > CLOSING
    }
    today = datetime.combine(now.date(), time(), tzinfo=UTC)
    active = UsageEntry.objects.filter(occurred_at__gte=today).exclude(billed_to="")
    return set(active.values_list("billed_to", flat=True)) - open_ones


def _add_report(
    bucket: _Bucket, *, number: int, quantity: int, happened_at: datetime, now: datetime
) -> int:
    """Write one report; 0 when another worker wrote it at the same moment."""
    try:
        with transaction.atomic(durable=True):
            UsageReport.objects.create(
                account_id=bucket.account_id,
                customer_id=bucket.customer_id,
                kind=bucket.kind,
                day=bucket.day,
                number=number,
                quantity=quantity,
                happened_at=_free_minute(bucket, happened_at),
                due_at=now,
                created_at=now,
            )
    except IntegrityError:
        return 0
    return 1


def _free_minute(bucket: _Bucket, happened_at: datetime) -> datetime:
    """`happened_at`, or the nearest earlier moment in whose minute nothing was reported yet."""
    taken = {
        moment.replace(second=0, microsecond=0)
        for moment in UsageReport.objects.filter(
            customer_id=bucket.customer_id, kind=bucket.kind, day=bucket.day
        ).values_list("happened_at", flat=True)
    }
    while happened_at.replace(second=0, microsecond=0) in taken:
        happened_at -= timedelta(minutes=1)
    return happened_at
