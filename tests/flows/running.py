"""Starts `manage.py up` as a person would, on a folder, a port and a database of its own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import redis
from psycopg import sql

from config.env import BASE_DIR, NAMES
from tests.client_addresses import check_postgresql
from tests.migrated import postgresql_template, put_sqlite
from tests.ports import free_port

#: Far more than anything takes: other tests, and other people, may want the same processors.
PATIENCE_SECONDS = 250
PYTHON = sys.executable
_started = itertools.count()


@dataclass(slots=True)
class RunningUp:
    """One `up` with what it printed, and the processes that it started."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path
    errors: Path
    settings: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def printed(self) -> str:
        return self.output.read_text()

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/livez", timeout=30).status_code == 200
        except httpx.TransportError:
            return False

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, name: str) -> psutil.Process:
        """The direct child for one part: the last one that was started."""
        lines = [
            line for line in self.errors.read_text().splitlines() if '"program_started"' in line
        ]
        started = [json.loads(line) for line in lines]
        return psutil.Process([one["process"] for one in started if one["program"] == name][-1])


def environment_of(data_dir: Path, port: int, **settings: str) -> dict[str, str]:
    """The environment of a machine on which nothing of Podwright is set but this."""
    inherited = {key: value for key, value in os.environ.items() if key not in NAMES}
    inherited.pop("DJANGO_SETTINGS_MODULE", None)
    own = {"DATA_DIR": str(data_dir), "PORT": str(port), "TTS_ENGINE": "fake", "WORKERS": "2"}
    # Who waits asks again and again, the more often the quicker the machine is.
    own["REQUESTS_PER_MINUTE"] = "1000000"
    return {**inherited, **own, **settings}


def run_manage(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [PYTHON, str(BASE_DIR / "manage.py"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@contextmanager
def started_up(
    folder: Path, services: dict[str, str], port: int | None = None, *, on_nothing: bool = False
) -> Iterator[RunningUp]:
    """Start `up` and wait until it is ready; whatever the test does, nobody is left behind.

    It finds a migrated database, or an empty folder if it is to start `on_nothing`.
    """
    port = port or free_port()
    if not on_nothing and "DATABASE_URL" not in services:
        put_sqlite(folder / "var")
    output, errors = folder / f"out-{time.monotonic_ns()}", folder / f"err-{time.monotonic_ns()}"
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            [PYTHON, str(BASE_DIR / "manage.py"), "up"],
            env=environment_of(folder / "var", port, **services),
            stdout=out,
            stderr=err,
        )
    running = RunningUp(process=process, port=port, output=output, errors=errors, settings=services)
    try:
        wait_until(lambda: "Ready: " in output.read_text() or process.poll() is not None)
        assert process.poll() is None, errors.read_text()
        yield running
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Terminate a test's own `up`, and kill what does not go."""
    if process.poll() is not None:
        return
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE_SECONDS)
    finally:
        for member in (*family, process):
            kill_if_there(member)
        process.wait()


def kill_if_there(member: psutil.Process | subprocess.Popen[bytes]) -> None:
    """Kill a process that may be gone already."""
    try:
        member.kill()
    except (psutil.NoSuchProcess, ProcessLookupError):
        return


def wait_until(
    condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS, *, every: float = 0.1
) -> None:
    """Return once `condition` holds, looked at `every` so many seconds; fail the test if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the awaited did not happen"
        time.sleep(every)


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; one that waits to be collected does not."""
    return [one for one in processes if _runs(one)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it went between the two looks
        return False


@contextmanager
def services_of_its_own(*, empty: bool = False) -> Iterator[dict[str, str]]:
    """Settings for a fresh database and broker, on the servers of this run if there are any.

    The database has its tables unless it is to be `empty`.
    """
    url = os.environ.get("DATABASE_URL")
    if not url:
        yield {}
        return
    name = f"up_{os.getpid()}_{time.monotonic_ns()}"
    identifier = sql.Identifier(name)
    broker = os.environ["REDIS_URL"].rpartition("/")[0] + f"/{_redis_number()}"
    # The last test's bells would ring for rows of this one.
    redis.Redis.from_url(broker).flushdb()
    template = sql.Identifier("template1" if empty else postgresql_template(url))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, template))
        try:
            yield {
                "DATABASE_URL": url.replace("/postgres?", f"/{name}?"),
                "REDIS_URL": broker,
            }
            check_postgresql(connection, name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def _redis_number() -> int:
    """A Redis database that nobody else uses now: no test process itself, no other `up` of this one.

    The first ones are the test processes' own (tests/environment.py).
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return 64 + worker * 16 + next(_started) % 16
