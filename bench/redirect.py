"""The counted redirect through the real server, as a ratio to the same server answering a constant 302.

    python bench/redirect.py [--rounds 3] [--seconds 5] [--quick]

Two granian servers with the same options, one process of four threads each: Podwright, and an
application that does nothing (constant_302.py). wrk loads them in turn with 64 connections;
the hits that Podwright wrote are counted afterwards, and none may be missing.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 64
REQUESTS = re.compile(r"(\d+) requests in")
RATE = re.compile(r"Requests/sec:\s+([\d.]+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one short round")
    arguments = parser.parse_args()
    rounds, seconds = (1, 1) if arguments.quick else (arguments.rounds, arguments.seconds)
    figures = [_round(seconds) for _ in range(rounds)]
    counted = statistics.median(one[0] for one in figures)
    constant = statistics.median(one[1] for one in figures)
    ratio = statistics.median(one[0] / one[1] for one in figures)
    print(
        f"counted redirect {counted:,.0f}/s, constant 302 {constant:,.0f}/s, ratio {ratio:.2f}, "
        f"hits lost {sum(one[2] for one in figures)}"
    )


def _round(seconds: int) -> tuple[float, float, int]:
    with tempfile.TemporaryDirectory(prefix="podwright-bench-") as text:
        folder = Path(text)
        environment = {
            **os.environ,
            "DATA_DIR": str(folder / "data"),
            "SECRET_KEY": "x" * 50,
            "PUBLIC_URL": "http://127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
        }
        (folder / "data").mkdir()
        episode = _prepare(environment)
        with _server("bench.constant_302:application", environment) as base:
            constant, _ = _load(f"{base}/", seconds)
        with _server("config.wsgi:application", environment) as base:
            path = f"{base}/api/track/{episode}.mp3"
            assert httpx.get(path).status_code == 302
            counted, answered = _load(path, seconds)
        lines = sum(one.read_bytes().count(b"\n") for one in (folder / "data/spool").glob("*.*"))
    return counted, constant, max(0, answered + 1 - lines)


def _prepare(environment: dict[str, str]) -> int:
    """A database with one published episode; its id."""
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from django.utils import timezone\n"
        "call_command('migrate', verbosity=0)\n"
        "from keys.services import issue_first_key\n"
        "from shows.services import ShowDraft, create_show\n"
        "from episodes.services import EpisodeDraft, create_episode\n"
        "now = timezone.now()\n"
        "owner = issue_first_key(name='bench', email=None, scopes=None, now=now).key.account\n"
        "show = create_show(account=owner, draft=ShowDraft(title='Bench'), now=now)\n"
        "draft = EpisodeDraft(title='One', audio_url='https://cdn.example.com/episode-001.mp3')\n"
        "print(create_episode(account=owner, show_id=show.pk, draft=draft, now=now).pk)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(done.stdout.split()[-1])


@contextmanager
def _server(target: str, environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1"]
    command += ["--blocking-threads", "4", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--no-access-log", "--log-level", "error", target]
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        _wait(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _load(url: str, seconds: int) -> tuple[float, int]:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url]
    # An agent of an app, so that each hit is of the usual length.
    command += ["-H", "User-Agent: AntennaPod/3.4.0"]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    rate, requests = RATE.search(printed), REQUESTS.search(printed)
    assert rate is not None
    assert requests is not None
    return float(rate[1]), int(requests[1])


if __name__ == "__main__":
    main()
