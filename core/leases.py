"""Rows of work that one worker at a time holds by a lease, and that are free again when it runs out."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import ClassVar, Self, TypeVar

from django.db import models
from django.db.models import F, Q

_Row_co = TypeVar("_Row_co", bound=models.Model, covariant=True)


class Leased(models.Model):
    """The columns of a row that is a place in a queue; `state` is the concrete model's own.

    A worker claims the row by a conditional update, renews the lease while it works and ends it
    with the work. One that died is found out when its lease has run out: the row is claimed again.
    """

    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(help_text="Not to be worked on before.")
    lease = models.UUIDField(null=True, blank=True, help_text="Who works on it now.")
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class LeasedQuerySet(models.QuerySet[_Row_co]):
    """Claims, renewals and ends of leases, each one conditional update; `_Row_co` is a kind of `Leased`."""

    #: The states in which there is something to do, whether anybody does it or not.
    open_states: ClassVar[Collection[str]]

    def claimable(self, *, now: datetime) -> Self:
        """What is due and in nobody's hands, or left behind by a worker that died."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
        return self.filter(free, state__in=self.open_states, due_at__lte=now)

    def longest_due_first(self) -> Self:
        """By due time, ties by id."""
        return self.order_by("due_at", "pk")

    def claimable_ids(self, *, now: datetime, limit: int) -> list[int]:
        """Ids of what can be claimed, longest due first."""
        found = self.claimable(now=now).longest_due_first()
        return list(found.values_list("pk", flat=True)[:limit])

    def claim(self, *, now: datetime, lasting: timedelta, **changes: object) -> uuid.UUID | None:
        """Take what of these rows is claimable and count the attempt; None when nothing was.

        Gives the lease under which it is held for so long. `changes` are made with it.
        """
        lease = uuid.uuid4()
        taken = (
            self.claimable(now=now)
            .order_by()
            .update(
                **{
                    "attempts": F("attempts") + 1,
                    "lease": lease,
                    "lease_until": now + lasting,
                    **changes,
                }
            )
        )
        return lease if taken else None

    def held(self, *, pk: int, lease: uuid.UUID | None) -> Self:
        """The row if it is held under this lease still, else nothing."""
        return self.filter(pk=pk, lease=lease, lease__isnull=False)

    def renew(self, *, now: datetime, lasting: timedelta, **changes: object) -> bool:
        """Prolong the lease of the `held` row; False when it is not ours any more."""
        return bool(self.update(lease_until=now + lasting, **changes))

    def release(self, **changes: object) -> int:
        """End all leases of these rows, whoever holds them, with `changes`; returns how many rows."""
        return self.update(lease=None, lease_until=None, **changes)


def lease_whole(*, name: str) -> models.CheckConstraint:
    """A lease has an owner and an end, or there is none: for rows whose state does not tell."""
    return models.CheckConstraint(
        condition=Q(lease__isnull=False, lease_until__isnull=False)
        | Q(lease__isnull=True, lease_until__isnull=True),
        name=name,
    )


def lease_while(state: str, *, name: str) -> models.CheckConstraint:
    """There is a lease, with an owner and an end, in this state and in no other."""
    return models.CheckConstraint(
        condition=Q(state=state, lease__isnull=False, lease_until__isnull=False)
        | ~Q(state=state) & Q(lease__isnull=True, lease_until__isnull=True),
        name=name,
    )
