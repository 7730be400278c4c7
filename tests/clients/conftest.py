"""A real web server with a real feed, in processes and folders of its own, for real clients."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.clients.relay import Relay, relaying
from tests.migrated import put_sqlite
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 150


@dataclass(frozen=True)
class Served:
    """Where the server is, what its shows hold, and the process itself.

    The addresses that it publishes lead through the relay, which notes what clients say.
    """

    url: str
    address: str
    relay: Relay
    key: str
    feed_url: str
    private_feed_url: str
    moved_feed_url: str
    titles: list[str]
    audio: bytes
    large_url: str
    large_bytes: int
    data_dir: Path
    pid: int


@contextmanager
def serving(data_dir, **settings):
    """A web server on a freshly seeded instance below `data_dir`; ends with the block."""
    port = free_port()
    with relaying(port) as relay, _started(data_dir, port, relay, settings) as found:
        yield found


@contextmanager
def _started(data_dir, port, relay, settings):
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
        "PUBLIC_URL": f"http://127.0.0.1:{relay.port}",
        "WORKERS": "1",
        "REQUESTS_PER_MINUTE": "1000000",
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    manage = [sys.executable, "manage.py"]
    put_sqlite(data_dir)
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
    facts["large_url"] = url + facts.pop("large_path")
    log = (data_dir / "web.log").open("wb")
    with log, subprocess.Popen([*manage, "web"], cwd=ROOT, env=environment, stderr=log) as server:
        try:
            _wait_until_it_answers(url, server)
            yield Served(
                url=url,
                address=f"127.0.0.1:{port}",
                relay=relay,
                audio=audio,
                data_dir=data_dir,
                pid=server.pid,
                **facts,
            )
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def served_by_all(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture
def served(served_by_all):
    """One server for all tests that only read; its relay has heard nothing yet."""
    served_by_all.relay.exchanges.clear()
    return served_by_all


@pytest.fixture
def own_served(tmp_path):
    """A server of two workers that the test may kill."""
    with serving(tmp_path, WORKERS="2") as found:
        yield found


@pytest.fixture
def ending(served):
    """Makes a show with one episode; gives its feed's address and what ends that feed."""
    bearer = {"Authorization": f"Bearer {served.key}"}
    with httpx.Client(base_url=served.url, headers=bearer, timeout=60) as client:
        show = client.post("/api/shows", json={"title": "Short-lived"}).json()["id"]
        episode = {"title": "The only one", "audio_url": f"{served.url}/livez.mp3"}
        client.post(f"/api/shows/{show}/episodes", json=episode).raise_for_status()

        def end():
            client.post(f"/api/shows/{show}/retire").raise_for_status()

        yield f"http://127.0.0.1:{served.relay.port}/api/shows/{show}/feed", end
        # A plan allows few shows, and there are many clients.
        client.delete(f"/api/shows/{show}").raise_for_status()


@pytest.fixture
def ended_feed_url(ending):
    """A feed that its owner has ended."""
    feed_url, end = ending
    end()
    return feed_url


@pytest.fixture
def environment(tmp_path):
    """That of a person whose home is the test's folder."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {"HOME": str(tmp_path), "GPODDER_HOME": str(tmp_path / "gpodder")}


@pytest.fixture
def run(environment):
    """Runs one program to its end; gives all that it printed."""

    def run(*command, check=True):
        done = subprocess.run(
            command,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=250,
        )
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    return run


def _wait_until_it_answers(url, server):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "The web server ended."
        try:
            if httpx.get(f"{url}/livez", timeout=60).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError("The web server did not answer.")
