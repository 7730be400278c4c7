"""Enters counted downloads into the usage ledger: soon, but not with a row for every batch."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Q

from analytics.models import AccountHour
from billing.ledger import CountedDownloads, enter_downloads

#: An hour that goes on gets an entry at once, then one so often at most.
EVERY = timedelta(minutes=10)
_MOST = 2_000


def enter_due(*, now: datetime) -> int:
    """Enter what the ledger lacks; demands an open transaction. Returns how many entries were made."""
    waited = Q(entered_at__isnull=True) | Q(entered_at__lte=now - EVERY)
    rows = list(
        AccountHour.objects.select_for_update()
        .filter(waited, ~Q(downloads=F("entered")))
        .order_by("hour", "pk")[:_MOST]
    )
    if not rows:
        return 0
    enter_downloads(
        batches=[
            CountedDownloads(
                account_id=row.account_id,
                reference=f"downloads:{row.account_id}:{row.hour:%Y-%m-%dT%H}:{row.entries}",
                quantity=row.downloads - row.entered,
                occurred_at=row.hour,
            )
            for row in rows
        ]
    )
    for row in rows:
        row.entered, row.entries, row.entered_at = row.downloads, row.entries + 1, now
    AccountHour.objects.bulk_update(rows, ["entered", "entries", "entered_at"])
    return len(rows)
