"""Queries and changes that requests make all the time, turned into SQL once instead of each time.

Django spends several times as long on making such SQL as a database does on answering it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Generic, NamedTuple, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import CharField, Field, Model, QuerySet, Value
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.transaction import TransactionManagementError, mark_for_rollback_on_error

_R = TypeVar("_R")
_M = TypeVar("_M", bound=Model)


class Given(Value):
    """Stands in a prepared query for the value, fit for `field`, that each run gives by `name`."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(name, output_field=field)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """A mark for a parameter, and itself in the place of the value."""
        return "%s", [self]


class _Ready(NamedTuple):
    """A query that has been made into SQL, for any thread's connection."""

    queryset: QuerySet[Any]
    compiler: Any
    sql: str
    params: Sequence[object]

    def rows(self, given: dict[str, object]) -> QuerySet[Any]:
        """The rows for these values, not yet read; copying the query would cost as much as making it."""
        connection = connections[DEFAULT_DB_ALIAS]
        bound = _bound(self.params, given, connection)
        compiler = copy(self.compiler)
        compiler.connection = connection
        compiler.as_sql = lambda *_args, **_options: (self.sql, bound)
        rows: QuerySet[Any] = QuerySet(model=self.queryset.model)
        vars(rows).update(vars(self.queryset), _query=_Run(compiler))
        return rows


class _Run:
    """The query as its `QuerySet` sees it, with the SQL that is there already."""

    def __init__(self, compiler: Any) -> None:
        self._compiler = compiler

    def get_compiler(self, *_args: object, **_options: object) -> Any:
        return self._compiler

    def __getattr__(self, name: str) -> Any:
        return getattr(self._compiler.query, name)


class Prepared(Generic[_R]):
    """A query of `make`, in which `Given` stands for what differs; safe between threads."""

    def __init__(self, make: Callable[[], QuerySet[Any, _R]]) -> None:
        self._make = make
        self._held: _Ready | None = None

    def first(self, **given: object) -> _R | None:
        """The first row for these values, None without one; raises as `rows` does."""
        return next(iter(self.rows(**given)), None)

    def rows(self, **given: object) -> list[_R]:
        """All rows for these values.

        Raises `TransactionManagementError` when the query locks and no transaction is open.
        """
        try:
            ready = self._ready()
        except EmptyResultSet:
            return []  # its conditions, or a limit of 0, let nothing through
        in_transaction = connections[DEFAULT_DB_ALIAS].in_atomic_block
        if ready.compiler.query.select_for_update and not in_transaction:
            raise TransactionManagementError("Rows are locked inside a transaction only.")
        return list(ready.rows(given))

    def _ready(self) -> _Ready:
        held = self._held
        if held is None:
            # Two threads may both make it: either's will do.
            queryset = self._make()
            compiler = queryset.query.get_compiler(connection=connections[DEFAULT_DB_ALIAS])
            held = self._held = _Ready(queryset, compiler, *compiler.as_sql())
        return held


class PreparedUpdate:
    """Sets `changes` in the rows of `make`; `Given` stands in both for what differs."""

    def __init__(self, make: Callable[[], QuerySet[Any]], **changes: object) -> None:
        self._make = make
        self._changes = changes
        self._held: tuple[str, Sequence[object]] | None = None

    def run(self, **given: object) -> int:
        """Change the rows for these values; returns how many."""
        connection = connections[DEFAULT_DB_ALIAS]
        held = self._held
        if held is None:
            query: Any = self._make().query.chain(UpdateQuery)
            query.add_update_values(self._changes)
            held = self._held = query.get_compiler(connection=connection).as_sql()
        sql, params = held
        with mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS), connection.cursor() as cursor:
            cursor.execute(sql, _bound(params, given, connection))
            return int(cursor.rowcount)


class PreparedInsert(Generic[_M]):
    """Stores new rows of a model, which has no parents; as with `bulk_create` no signals are sent."""

    def __init__(self, model: type[_M]) -> None:
        meta = model._meta  # noqa: SLF001 - Django's documented interface
        self._model, self._key = model, meta.pk
        self._fields = [field for field in meta.local_concrete_fields if not field.primary_key]
        #: By the number of rows.
        self._held: dict[int, str] = {}

    def save(self, *rows: _M) -> None:
        """Store all rows by one statement, at least one, and give them their keys."""
        connection = connections[DEFAULT_DB_ALIAS]
        sql = self._held.get(len(rows))
        if sql is None:
            sql = self._held[len(rows)] = self._made(len(rows))
        params = [
            field.get_db_prep_save(field.pre_save(row, add=True), connection)
            for row in rows
            for field in self._fields
        ]
        with mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS), connection.cursor() as cursor:
            cursor.execute(sql, params)
            keys = cursor.fetchall()
        for row, (key,) in zip(rows, keys, strict=True):
            row.pk = key
            state = row._state  # noqa: SLF001 - Django's documented interface
            state.adding, state.db = False, DEFAULT_DB_ALIAS

    def _made(self, count: int) -> str:
        # Whatever the field is: the values that are stored take the place of these.
        mark = Given("", CharField())
        row = self._model(**{field.attname: mark for field in self._fields})
        query = InsertQuery(self._model)
        query.insert_values(self._fields, [row] * count)
        compiler = query.get_compiler(connection=connections[DEFAULT_DB_ALIAS])
        compiler.returning_fields = [self._key]
        [(sql, _marks)] = compiler.as_sql()
        return str(sql)


def _bound(params: Sequence[object], given: dict[str, object], connection: Any) -> tuple[Any, ...]:
    return tuple(
        param.output_field.get_db_prep_value(given[param.value], connection)
        if isinstance(param, Given)
        else param
        for param in params
    )
