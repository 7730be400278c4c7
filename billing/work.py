"""What is done through Stripe as rows of work: retried with growing patience, for days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from billing.models import StripeEvent, UsageReport
from billing.querysets import WorkQuerySet
from billing.states import WorkState

#: Longer than one exchange with Stripe with its repetition takes.
LEASE = timedelta(minutes=2)
#: Pauses after the first, second, ... failure: about three days in all, then a person has to look.
_PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720, 720, 1_440))
_MAX_ERROR = 500

Row = TypeVar("Row", StripeEvent, UsageReport)


def claim(rows: WorkQuerySet[Row], *, pk: int, now: datetime) -> Row | None:
    """Take one row for LEASE; None when another worker was faster or there is nothing to do."""
    lease = rows.filter(pk=pk).claim(now=now, lasting=LEASE)
    return rows.held(pk=pk, lease=lease).first()


def finish(row: Row, state: WorkState, *, now: datetime, error: str = "") -> None:
    """End a claimed row, unless its lease ran out and somebody else has it."""
    _held(row).release(state=state, finished_at=now, error=error[:_MAX_ERROR])


def put_back(row: Row, *, error: str, now: datetime) -> None:
    """Try again after a pause; once the pauses are used up the row has failed."""
    if row.attempts > len(_PAUSES):
        finish(row, WorkState.FAILED, error=error, now=now)
        return
    pause = _PAUSES[row.attempts - 1]
    _held(row).release(due_at=now + pause, error=error[:_MAX_ERROR])


def try_again(rows: WorkQuerySet[Row], *, now: datetime) -> int:
    """Give what has failed or waits all its attempts again, from now on; returns how many."""
    again = rows.filter(state__in=[WorkState.FAILED, WorkState.WAITING])
    return again.release(state=WorkState.WAITING, attempts=0, due_at=now, finished_at=None)


def _held(row: Row) -> WorkQuerySet[Row]:
    rows: WorkQuerySet[Row] = type(row).objects.all()
    return rows.held(pk=row.pk, lease=row.lease)
