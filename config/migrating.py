"""Lets one process at a time prepare a PostgreSQL database that several machines start on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

#: Any number that nothing else uses in this database; these are the letters "podw".
LOCK_NUMBER = 0x706F6477


@contextmanager
def migration_lock() -> Iterator[None]:
    """Hold PostgreSQL's advisory lock; SQLite lives in DATA_DIR, which `up` holds already."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK_NUMBER])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_NUMBER])
