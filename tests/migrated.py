"""Databases with all tables and no rows, for processes of their own: migrated once, then copied."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from config.env import BASE_DIR, NAMES

SQLITE_NAME = "podwright.sqlite3"
#: Removed with the process that migrates.
_folder = tempfile.TemporaryDirectory(prefix="podwright-migrated-")


def put_sqlite(data_dir: Path) -> None:
    """Put a migrated database into DATA_DIR, unless there is one; as `up` finds it when it starts again."""
    if not (data_dir / SQLITE_NAME).exists():
        data_dir.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(_sqlite(), data_dir / SQLITE_NAME)


@cache
def postgresql_template(url: str) -> str:
    """The name of a migrated database on the server of `url`, to be copied by CREATE DATABASE."""
    name = f"migrated_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    _migrate(DATABASE_URL=url.replace("/postgres?", f"/{name}?"))
    return name


@cache
def _sqlite() -> Path:
    _migrate()
    return Path(_folder.name) / SQLITE_NAME


def _migrate(**settings: str) -> None:
    others = {name: value for name, value in os.environ.items() if name not in NAMES}
    subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "migrate", "--verbosity=0"],
        env={**others, "DATA_DIR": _folder.name, "SECRET_KEY": "x" * 50, **settings},
        check=True,
    )
