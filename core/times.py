"""Writes moments the way the contracts show them: ISO 8601, UTC, milliseconds, Z."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def iso_milliseconds(moment: datetime) -> str: ...
@overload
def iso_milliseconds(moment: None) -> None: ...
def iso_milliseconds(moment: datetime | None) -> str | None:
    """`2026-03-14T00:00:00.000Z`; None stays None. `moment` has to be aware."""
    if moment is None:
        return None
    # What the database gives is in UTC already.
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_seconds(moment: datetime) -> str:
    """`2026-03-01T00:00:00Z`, what is below a second cut off. `moment` has to be aware."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
