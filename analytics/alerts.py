"""Raises alerts: each once a day for what it is about, in the admin and in the log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

import structlog
from django.db import transaction

from analytics.models import Alert

log = structlog.get_logger(__name__)

#: An agent's first letters tell enough, and an index takes no more.
_LONGEST = 300


class Sign(NamedTuple):
    """What was seen: `amount` against the `usual` one, of `subject` on the UTC `day`."""

    kind: Alert.Kind
    day: date
    amount: int
    usual: int
    subject: str = ""


def raise_alerts(signs: Iterable[Sign], *, now: datetime) -> int:
    """Keep the signs that are new; returns how many those are."""
    wanted = {(sign.kind.value, sign.day, sign.subject[:_LONGEST]): sign for sign in signs}
    days = {day for _kind, day, _subject in wanted}
    with transaction.atomic(durable=True):
        held = set(Alert.objects.filter(day__in=days).values_list("kind", "day", "subject"))
        new = {key: sign for key, sign in wanted.items() if key not in held}
        Alert.objects.bulk_create(
            (
                Alert(
                    kind=kind,
                    day=day,
                    subject=subject,
                    amount=sign.amount,
                    usual=sign.usual,
                    raised_at=now,
                )
                for (kind, day, subject), sign in new.items()
            ),
            ignore_conflicts=True,
        )
    for sign in new.values():
        # Without the subject, which may be an agent of a stranger's choice.
        log.warning("alert_raised", kind=sign.kind.value, amount=sign.amount, usual=sign.usual)
    return len(new)


def mark_seen(*, alert_ids: Iterable[int], now: datetime) -> int:
    """An operator has looked at them; returns how many were open."""
    with transaction.atomic(durable=True):
        return Alert.objects.filter(pk__in=list(alert_ids), seen_at=None).update(seen_at=now)
