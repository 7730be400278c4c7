"""A real web server with a real feed, in processes and folders of its own, for real clients."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


@dataclass(frozen=True)
class Served:
    """Where the server is, what its show holds, and the process itself."""

    url: str
    address: str
    key: str
    feed_url: str
    private_feed_url: str
    titles: list[str]
    audio: bytes
    large_url: str
    large_bytes: int
    data_dir: Path
    pid: int


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(data_dir, **settings):
    """A web server on a freshly seeded instance below `data_dir`; ends with the block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "REDIS_URL"}
    } | {
        "DATA_DIR": str(data_dir),
        "SECRET_KEY": "only-for-tests-" + "y" * 50,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PUBLIC_URL": url,
        "WORKERS": "1",
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity=0"], cwd=ROOT, env=environment, check=True)
    seeded = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("seed.py"))],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    facts = json.loads(seeded.stdout.splitlines()[-1])
    audio = bytes.fromhex(facts.pop("audio"))
    log = (data_dir / "web.log").open("wb")
    with log, subprocess.Popen([*manage, "web"], cwd=ROOT, env=environment, stderr=log) as server:
        try:
            _wait_until_it_answers(url, server)
            yield Served(
                url=url,
                address=f"127.0.0.1:{port}",
                audio=audio,
                data_dir=data_dir,
                pid=server.pid,
                **facts,
            )
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """One server for all tests that only read."""
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture
def own_served(tmp_path):
    """A server that the test may kill."""
    with serving(tmp_path) as found:
        yield found


def _wait_until_it_answers(url, server):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "The web server ended."
        try:
            if httpx.get(f"{url}/livez").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError("The web server did not answer.")
