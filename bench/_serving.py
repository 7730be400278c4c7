"""What the figures of serving share: fresh servers on one core, wrk on another, CPU time beside the rate."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.append(str(Path(__file__).resolve().parent.parent))

from config.management.commands.web import (
    BACKLOG,
    BUFFER_BYTES,
    HEAD_TIMEOUT_MS,
    connections_for,
    raised_file_limit,
)

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
QUICK = "--quick" in sys.argv
STARTS = 1 if QUICK else 3
SECONDS = 1 if QUICK else 3
CONNECTIONS = 64
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = str(CORES[0]), str(CORES[-1])
AGENTS = """
local n = 0
request = function()
  n = n + 1
  wrk.headers["User-Agent"] = "AntennaPod/3." .. (n % 1000)
  return wrk.format("GET", wrk.path)
end
"""


@dataclass(frozen=True)
class Load:
    """One address with its headers, a GET or, with a body of JSON, a POST.

    `script` is wrk's, in Lua, and `cores` are where wrk runs. An answer with another status than
    `status` would be another figure than the one that is wanted.
    """

    path: str
    headers: tuple[str, ...] = ()
    script: str = ""
    body: str = ""
    status: int | None = None
    connections: int = CONNECTIONS
    cores: str = LOAD_CORE


@dataclass(frozen=True)
class Figure:
    """Requests a second, and the server's own user and system time for each, in microseconds."""

    rate: float
    cpu: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server(
    command: Sequence[str],
    *,
    port: int,
    environment: dict[str, str] | None = None,
    cores: str = SERVER_CORE,
):
    """The process on its cores until the block ends; it answers when the block begins."""
    process = subprocess.Popen(
        ["taskset", "-c", cores, *command],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{BENCH}"} | (environment or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, f"{command[0]} ended"
            assert time.monotonic() < deadline, f"{command[0]} did not answer"
            time.sleep(0.05)
        yield process.pid
    finally:
        members = [
            psutil.Process(process.pid),
            *psutil.Process(process.pid).children(recursive=True),
        ]
        process.terminate()
        _gone, alive = psutil.wait_procs(members, timeout=10)
        for member in alive:
            member.kill()


def granian(app: str, *, environment: dict[str, str] | None = None):
    """A raw WSGI application on granian, with the settings that `manage.py web` gives ours."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--http", "1",
        "--blocking-threads", (environment or {}).get("WEB_THREADS", "16"), "--no-ws",
        "--backlog", str(BACKLOG), "--backpressure", str(connections_for(raised_file_limit())),
        "--http1-header-read-timeout", str(HEAD_TIMEOUT_MS),
        "--http1-buffer-size", str(BUFFER_BYTES), app,
    ]  # fmt: skip
    return port, server(command, port=port, environment=environment)


def cpu_seconds(pid: int) -> float:
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def measure(port: int, pid: int, load: Load, tmp: Path) -> Figure:
    command = ["taskset", "-c", load.cores, "wrk", "-t1", f"-c{load.connections}"]
    command += [f"-d{SECONDS}s"]
    for header in load.headers:
        command += ["-H", header]
    if load.script or load.body:
        script = tmp / "load.lua"
        script.write_text(load.script or posting(load.body))
        command += ["-s", str(script)]
    warm_up(port, load)
    before = cpu_seconds(pid)
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{load.path}"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    used = cpu_seconds(pid) - before
    requests = int(re.search(r"(\d+) requests in", done.stdout)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
    assert "Non-2xx" not in done.stdout or load.script == "any", done.stdout
    return Figure(rate, used / max(requests, 1) * 1e6)


def posting(body: str) -> str:
    """wrk's script that sends `body`."""
    return (
        'wrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
        f"wrk.body = [==[{body}]==]\n"
    )


def warm_up(port: int, load: Load) -> None:
    """The socket listens before the application is there, and the first answer is made from files."""
    headers = dict(header.split(": ", 1) for header in load.headers)
    method = "GET"
    if load.body:
        method = "POST"
        headers["Content-Type"] = "application/json"
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request(method, load.path, load.body or None, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert load.status in {None, answer.status}, f"{load.path}: {answer.status}"


def medians(
    start: Callable[[], contextlib.AbstractContextManager[tuple[int, int]]],
    loads: dict[str, Load],
    tmp: Path,
) -> dict[str, Figure]:
    """The median of STARTS fresh starts for each load."""
    found: dict[str, list[Figure]] = {name: [] for name in loads}
    for _ in range(STARTS):
        with start() as (port, pid):
            for name, load in loads.items():
                found[name].append(measure(port, pid, load, tmp))
    return {
        name: Figure(
            statistics.median(one.rate for one in figures),
            statistics.median(one.cpu for one in figures),
        )
        for name, figures in found.items()
    }


def row(
    case: str, ours: Figure | None, other: str, floor: Figure | None, target: float | None
) -> None:
    """One line of the table: ratio by rate, and by CPU time, which a busy machine moves less.

    Without a target the ratios are only reported.
    """
    if ours is None or floor is None:
        print(f"{case:34} {other:22} {'not here':>10}")
        return
    by_rate, by_cpu = ours.rate / floor.rate, floor.cpu / max(ours.cpu, 0.01)
    verdict = "reported"
    if target is not None:
        verdict = f"{target:5.2f}  {'ok' if max(by_rate, by_cpu) >= target else 'MISSED'}"
    print(
        f"{case:34} {ours.rate:9,.0f} {ours.cpu:7.1f}   {other:22} {floor.rate:9,.0f} {floor.cpu:7.1f}"
        f"   {by_rate:6.2f} {by_cpu:6.2f}   {verdict}"
    )


def header() -> None:
    print(
        f"{'case':34} {'req/s':>9} {'cpu us':>7}   {'floor or peer':22} {'req/s':>9} {'cpu us':>7}"
        f"   {'x rate':>6} {'x cpu':>6}   target"
    )


def has(program: str) -> bool:
    return shutil.which(program) is not None


@contextlib.contextmanager
def running(
    started: tuple[int, contextlib.AbstractContextManager[int]],
) -> Iterator[tuple[int, int]]:
    port, process = started
    with process as pid:
        yield port, pid
