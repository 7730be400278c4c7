"""Moments and days as numbers, and as the database takes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from django.db import connection

_EPOCH = date(1970, 1, 1)


def moment_of(milliseconds: int) -> datetime:
    """The moment of milliseconds since 1970."""
    seconds, rest = divmod(milliseconds, 1_000)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=rest)


def milliseconds_of(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def read_moment(value: object) -> datetime | None:
    """A moment as a bare cursor gives it: SQLite has text or no zone."""
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=moment.tzinfo or UTC)


@lru_cache(maxsize=4_096)
def day_of(number: int) -> date:
    """The date of a day number."""
    return _EPOCH + timedelta(days=number)


@lru_cache(maxsize=4_096)
def day_value(number: int) -> object:
    """The date of a day number, as a bare cursor takes it."""
    return connection.ops.adapt_datefield_value(day_of(number))


def day_number(value: object) -> int:
    """Days since 1970-01-01 of a date, or of its ISO text."""
    day = value if isinstance(value, date) else date.fromisoformat(str(value))
    return (day - _EPOCH).days


def moment_value(milliseconds: int) -> object:
    """The moment of milliseconds since 1970, as `insert_rows` takes it."""
    if connection.vendor == "postgresql":
        return milliseconds
    seconds, rest = divmod(milliseconds, 1_000)
    # As Django writes moments into SQLite, so that both compare as texts.
    return f"{_second_text(seconds)}.{rest:03d}000" if rest else _second_text(seconds)


@lru_cache(maxsize=4_096)
def _second_text(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
