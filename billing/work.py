"""Rows of work with a due time and a lease: claimed by one worker, retried with growing patience."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import F, Q, QuerySet

from billing.models import StripeEvent, UsageReport
from billing.states import WorkState

#: Longer than one exchange with Stripe with its repetition takes.
LEASE = timedelta(minutes=2)
#: Pauses after the first, second, ... failure: about three days in all, then a person has to look.
_PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720, 720, 1_440))
_MAX_ERROR = 500

Row = TypeVar("Row", StripeEvent, UsageReport)


def due(rows: QuerySet[Row], *, now: datetime) -> QuerySet[Row]:
    """What waits, is due, and is in nobody's hands; earliest first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    return rows.filter(free, state=WorkState.WAITING, due_at__lte=now).order_by("due_at", "pk")


def claim(rows: QuerySet[Row], *, pk: int, now: datetime) -> Row | None:
    """Take one row for LEASE; None when another worker was faster or there is nothing to do."""
    taken = (
        due(rows, now=now)
        .order_by()
        .filter(pk=pk)
        .update(lease_until=now + LEASE, attempts=F("attempts") + 1)
    )
    return rows.get(pk=pk) if taken else None


def finish(row: Row, state: WorkState, *, now: datetime, error: str = "") -> None:
    """End a claimed row, unless its lease ran out and somebody else has it."""
    _held(row).update(state=state, lease_until=None, finished_at=now, error=error[:_MAX_ERROR])


def put_back(row: Row, *, error: str, now: datetime) -> None:
    """Try again after a pause; once the pauses are used up the row has failed."""
    if row.attempts > len(_PAUSES):
        finish(row, WorkState.FAILED, error=error, now=now)
        return
    pause = _PAUSES[row.attempts - 1]
    _held(row).update(lease_until=None, due_at=now + pause, error=error[:_MAX_ERROR])


def try_again(rows: QuerySet[Row], *, now: datetime) -> int:
    """Give what has failed or waits all its attempts again, from now on; returns how many."""
    again = rows.filter(state__in=[WorkState.FAILED, WorkState.WAITING])
    return again.update(
        state=WorkState.WAITING, attempts=0, due_at=now, lease_until=None, finished_at=None
    )


def _held(row: Row) -> QuerySet[Row]:
    rows: QuerySet[Row] = type(row).objects.all()
    return rows.filter(pk=row.pk, state=WorkState.WAITING, lease_until=row.lease_until)
