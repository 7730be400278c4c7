"""Rows in PostgreSQL's binary forms: many for one COPY, or each of their columns as an array."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import chain, repeat
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model

COPY_BEGIN = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
COPY_END = b"\xff\xff"

_LENGTH = struct.Struct(">i").pack
_COUNT = struct.Struct(">h").pack
#: Dimensions, whether one is null, type of the elements, how many, number of the first.
_ARRAY_HEAD = struct.Struct(">iiIii").pack
_NULL = _LENGTH(-1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(2000, 1, 1).toordinal()
_EPOCH_MS = 946_684_800_000
_MICROSECOND = timedelta(microseconds=1)


class Kind(NamedTuple):
    """How the values of a type are written: as a number of `width` bytes, or as bytes of any length."""

    name: str
    oid: int
    code: str = ""
    width: int = 0
    prepare: Callable[[Any], Any] | None = None


def _microseconds(moment: datetime | int | None) -> int | None:
    """Since 2000; of a moment, or of milliseconds since 1970."""
    if isinstance(moment, int):
        return (moment - _EPOCH_MS) * 1_000
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _days(day: date | None) -> int | None:
    return None if day is None else day.toordinal() - _EPOCH_DAY


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


_KINDS = {
    "bigint": Kind("bigint", 20, "q", 8),
    "integer": Kind("integer", 23, "i", 4),
    "smallint": Kind("smallint", 21, "h", 2),
    "boolean": Kind("boolean", 16, "?", 1),
    "date": Kind("date", 1082, "i", 4, _days),
    "timestamp with time zone": Kind("timestamptz", 1184, "q", 8, _microseconds),
    "bytea": Kind("bytea", 17),
    "varchar": Kind("text", 25, prepare=_encoded),
}


@cache
def kinds_of(model: type[Model], columns: tuple[str, ...]) -> tuple[Kind, ...]:
    """The kinds of some columns of a model. Raises `KeyError` for a type that is not known here."""
    fields = [model._meta.get_field(name) for name in columns]  # noqa: SLF001 - public by name
    return tuple(_KINDS[(field.db_type(connection) or "").partition("(")[0]] for field in fields)


def copied(kinds: Sequence[Kind], rows: Sequence[Sequence[Any]]) -> bytes:
    """`rows` as they stand in a binary COPY, between `COPY_BEGIN` and `COPY_END`."""
    parts: list[Iterable[bytes]] = [repeat(_COUNT(len(kinds)), len(rows))]
    numbers: list[tuple[Kind, list[Any]]] = []
    for kind, column in zip(kinds, zip(*rows, strict=True), strict=True):
        values = _prepared(kind, column)
        if kind.code and None not in values:
            numbers.append((kind, values))
            continue
        if numbers:
            parts.append(_side_by_side(numbers))
            numbers = []
        parts.append(_fields(kind, values))
    if numbers:
        parts.append(_side_by_side(numbers))
    return b"".join(chain.from_iterable(zip(*parts, strict=True)))


def array(kind: Kind, values: Sequence[Any]) -> bytes:
    """`values` as an array of one dimension."""
    prepared = _prepared(kind, values)
    head = _ARRAY_HEAD(1, int(None in prepared), kind.oid, len(prepared), 1)
    return head + b"".join(_fields(kind, prepared))


def _prepared(kind: Kind, values: Sequence[Any]) -> list[Any]:
    return list(map(kind.prepare, values)) if kind.prepare is not None else list(values)


def _fields(kind: Kind, values: Sequence[Any]) -> Iterable[bytes]:
    """Each value behind its length."""
    if kind.code and None not in values:
        return _side_by_side([(kind, values)])
    if kind.code:
        pack, width = struct.Struct(f">i{kind.code}").pack, kind.width
        return [_NULL if value is None else pack(width, value) for value in values]
    return [_NULL if value is None else _LENGTH(len(value)) + value for value in values]


def _side_by_side(columns: Sequence[tuple[Kind, Sequence[Any]]]) -> Iterator[bytes]:
    """Numbers of neighbouring columns, a whole row at a time: that is where the time goes."""
    pack = struct.Struct(">" + "".join(f"i{kind.code}" for kind, _values in columns)).pack
    return map(pack, *chain.from_iterable((repeat(kind.width), values) for kind, values in columns))
