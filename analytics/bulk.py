"""Writes many rows at once: inserts, and upserts that replace or add, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet
from psycopg.adapt import Dumper
from psycopg.pq import Format

from analytics.binary_rows import COPY_BEGIN, COPY_END, Kind, array, copied, kinds_of

Row = Sequence[Any]
#: SQLite takes so many parameters in one statement in every version that Django supports.
_CHUNK = 900
#: Rows that are packed at once for PostgreSQL.
_ROWS = 1_000


class _Packed(bytes):
    """A value in PostgreSQL's binary form; its type is the one that the statement names."""

    __slots__ = ()


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return obj


def insert_rows(model: type[Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert `rows`; demands an open transaction.

    PostgreSQL stores the rows that were made so far while the next ones are made. A moment may be
    given to it in milliseconds since 1970.
    """
    table = _quoted(model._meta.db_table)  # noqa: SLF001 - public by name
    names = ", ".join(map(_quoted, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            kinds = kinds_of(model, tuple(columns))
            with (
                connection.wrap_database_errors,
                cursor.cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as copy,
            ):
                copy.write(COPY_BEGIN)
                for chunk in _chunks(rows, _ROWS):
                    copy.write(copied(kinds, chunk))
                copy.write(COPY_END)
        else:
            marks = ", ".join(["%s"] * len(columns))
            # Names come from the models alone.
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(rows))  # noqa: S608


@contextmanager
def sent_together() -> Iterator[None]:
    """Upserts inside go to PostgreSQL without waiting for those before them; errors come at the end.

    Nothing may be read inside. Other databases write each at once.
    """
    if connection.vendor != "postgresql" or not psycopg.Pipeline.is_supported():
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def upsert_rows(
    model: type[Model],
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    replaced: Sequence[str] = (),
    added: Sequence[str] = (),
    kept: Sequence[str] = (),
) -> None:
    """Insert `rows`, or where `key` is there replace and add up columns; demands a transaction.

    The values of a row stand in the order key, replaced, added, kept; `kept` columns are written
    by the insert only. No two rows may have one key.
    """
    place = len(key) + len(replaced)
    plain = [row for row in rows if _can_be_inserted(row[place : place + len(added)])]
    if len(plain) < len(rows):
        odd = [row for row in rows if not _can_be_inserted(row[place : place + len(added)])]
        _add_to_rows(model, odd, key=key, replaced=replaced, added=added)
        rows = plain
    if not rows:
        return
    table = _quoted(model._meta.db_table)  # noqa: SLF001 - public by name
    columns = [*key, *replaced, *added, *kept]
    names = ", ".join(map(_quoted, columns))
    changes = [f"{_quoted(name)} = excluded.{_quoted(name)}" for name in replaced]
    changes += [f"{_quoted(name)} = t.{_quoted(name)} + excluded.{_quoted(name)}" for name in added]
    action = f"DO UPDATE SET {', '.join(changes)}" if changes else "DO NOTHING"
    conflict = f"ON CONFLICT ({', '.join(map(_quoted, key))}) {action}"
    insert = f"INSERT INTO {table} AS t ({names})"
    if connection.vendor == "postgresql":
        _upsert_arrays(insert, kinds_of(model, tuple(columns)), conflict, rows)
        return
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(f"{insert} VALUES ({marks}) {conflict}", rows)


def _can_be_inserted(amounts: Sequence[Any]) -> bool:
    """False for amounts that are taken away, or of which a part grows alone.

    The database checks a row before it finds that the row is there and only has to be changed.
    """
    return all(amount >= 0 for amount in amounts) and not (
        len(amounts) > 1 and amounts[1] > amounts[0]
    )


def _add_to_rows(
    model: type[Model],
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    replaced: Sequence[str],
    added: Sequence[str],
) -> None:
    """Change rows that are there: what is taken back was counted before."""
    table = _quoted(model._meta.db_table)  # noqa: SLF001 - public by name
    changes = [f"{_quoted(name)} = %s" for name in replaced]
    changes += [f"{_quoted(name)} = {_quoted(name)} + %s" for name in added]
    where = " AND ".join(f"{_quoted(name)} = %s" for name in key)
    last = len(key) + len(replaced) + len(added)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET {', '.join(changes)} WHERE {where}",  # noqa: S608
            [(*row[len(key) : last], *row[: len(key)]) for row in rows],
        )


def _upsert_arrays(insert: str, kinds: Sequence[Kind], conflict: str, rows: Sequence[Row]) -> None:
    """One statement for many rows, an array for each column: no table in between, one round trip."""
    arrays = ", ".join(f"%b::{kind.name}[]" for kind in kinds)
    # In the order of the key, so that two writers never wait for each other in a circle.
    statement = f"{insert} SELECT * FROM unnest({arrays}) {conflict}"  # noqa: S608 - names of ours
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.adapters.register_dumper(_Packed, _PackedDumper)
        for chunk in _chunks(rows, _ROWS):
            columns = zip(kinds, zip(*chunk, strict=True), strict=True)
            cursor.execute(statement, [_Packed(array(*column)) for column in columns])


def select_in(
    model: type[Model], columns: Sequence[str], name: str, values: Iterable[Any]
) -> Iterator[tuple[Any, ...]]:
    """The rows whose column `name` is one of `values`, as tuples of `columns`."""
    table = _quoted(model._meta.db_table)  # noqa: SLF001 - public by name
    names = ", ".join(map(_quoted, columns))
    select = f"SELECT {names} FROM {table} WHERE {_quoted(name)}"  # noqa: S608 - names of ours
    if connection.vendor == "postgresql":
        for chunk in _chunks(values, 20_000):
            yield from _in_binary(f"{select} = ANY(%b)", [chunk])
        return
    with connection.cursor() as cursor:
        for chunk in _chunks(values, _CHUNK):
            marks = ", ".join(["%s"] * len(chunk))
            cursor.execute(f"{select} IN ({marks})", chunk)
            yield from cursor.fetchall()


def read_rows(found: QuerySet[Any, tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The rows of a `values_list` of plain columns; as text, bytes would come in twice their size."""
    if connection.vendor != "postgresql":
        yield from found
        return
    try:
        query, values = found.query.sql_with_params()
    except EmptyResultSet:  # such as one of an empty list
        return
    yield from _in_binary(query, values)


def _in_binary(query: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Keys and rows go in binary: Django's own cursor would write thousands of keys out as text."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        yield from cursor.execute(query, values, binary=True)


def _chunks(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    remaining = iter(values)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
