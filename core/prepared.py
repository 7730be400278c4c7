"""Queries that every request makes, turned into SQL once instead of each time.

Django spends several times as long on making such SQL as a database does on answering it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import Field, QuerySet, Value
from django.db.transaction import TransactionManagementError

_M = TypeVar("_M", bound=models.Model)


class Given(Value):
    """Stands in a prepared query for the value, fit for `field`, that each run gives by `name`."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(name, output_field=field)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """A placeholder, and itself in the place of the value."""
        return "%s", [self]


class _Ready(NamedTuple):
    """A query that has been made into SQL, for one connection."""

    compiler: Any
    sql: str
    params: Sequence[object]

    def get_compiler(self, given: dict[str, object]) -> Any:
        connection = self.compiler.connection
        bound = tuple(
            param.output_field.get_db_prep_value(given[param.value], connection)
            if isinstance(param, Given)
            else param
            for param in self.params
        )
        compiler = copy(self.compiler)
        compiler.as_sql = lambda *_args, **_options: (self.sql, bound)
        return compiler


class _Run:
    """What a `QuerySet` asks its query for when it reads rows."""

    def __init__(self, compiler: Any) -> None:
        self._compiler = compiler

    def get_compiler(self, **_options: object) -> Any:
        return self._compiler


class Prepared(Generic[_M]):
    """A query of `make`, in which `Given` stands for what differs; safe between threads."""

    def __init__(self, make: Callable[[], QuerySet[_M]]) -> None:
        self._make = make
        self._local = threading.local()

    def first(self, **given: object) -> _M | None:
        """The first row for these values, None without one.

        Raises `TransactionManagementError` when the query locks and no transaction is open.
        """
        ready = self._ready()
        compiler = ready.get_compiler(given)
        query = compiler.query
        if query.select_for_update and not compiler.connection.in_atomic_block:
            raise TransactionManagementError("Rows are locked inside a transaction only.")
        run: Any = _Run(compiler)
        rows = QuerySet[_M](model=query.model, query=run, using=DEFAULT_DB_ALIAS)
        return next(iter(rows), None)

    def _ready(self) -> _Ready:
        connection = connections[DEFAULT_DB_ALIAS]
        held: _Ready | None = getattr(self._local, "ready", None)
        if held is None or held.compiler.connection is not connection:
            compiler = self._make().query.get_compiler(connection=connection)
            held = self._local.ready = _Ready(compiler, *compiler.as_sql())
        return held
