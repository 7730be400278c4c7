"""The schedule with real processes: two workers, two clocks, a kill, and a receiver that fails."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import psutil
import pytest

from config.env import BASE_DIR
from tests.fakes.web_server import WebServer
from tests.flows.running import (
    PYTHON,
    RunningUp,
    end,
    environment_of,
    living,
    run_manage,
    started_up,
    wait_until,
)
from tests.webhooks.conftest import failing_every

pytestmark = pytest.mark.slow

PUBLISHED = '"event": "scheduled_episode_published"'
DUE_NOW = """
from django.utils import timezone
from episodes.models import Episode
Episode.objects.filter(state="scheduled").update(publish_at=timezone.now())
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """The holder of the key that the first start printed."""

    client: httpx.Client

    def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self.client.request(method, path, **options)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def schedule(self, show: int, *, at: datetime, number: int) -> int:
        body = {
            "title": f"Episode {number}",
            "audio_url": "https://example.com/a.mp3",
            "publish_at": at.isoformat(),
        }
        return int(self.call("POST", f"/api/shows/{show}/episodes", json=body)["id"])

    def count(self, show: int, status: str) -> int:
        query = {"status": status, "limit": "1"}
        return int(self.call("GET", f"/api/shows/{show}/episodes", params=query)["total"])

    def deliveries(self, hook: int, state: str) -> dict[str, Any]:
        query = {"state": state, "limit": "100"}
        return self.call("GET", f"/api/v1/webhooks/{hook}/deliveries", params=query)


@contextmanager
def owner_of(running: RunningUp) -> Iterator[Owner]:
    key = re.search(r"pc_live_[A-Za-z0-9]{32}", running.printed())
    assert key is not None
    bearer = {"Authorization": f"Bearer {key[0]}"}
    with httpx.Client(base_url=running.url, headers=bearer, timeout=60) as client:
        yield Owner(client)


@contextmanager
def part(name: str, running: RunningUp, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One more worker or clock on the same database and broker; its log is `folder/<name>.log`."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [PYTHON, str(BASE_DIR / "manage.py"), name],
            env=environment_of(folder / "var", running.port, **running.settings),
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        end(process)


def let_their_time_come(running: RunningUp, folder: Path) -> None:
    """All that is scheduled becomes due, at one moment."""
    environment = environment_of(folder / "var", running.port, **running.settings)
    done = run_manage("shell", "-c", DUE_NOW, environment=environment)
    assert done.returncode == 0, done.stderr


def published_lines(log: Path) -> int:
    return log.read_text().count(PUBLISHED)


def kill_midway(workers: dict[Path, psutil.Process], *, before: int, due: int) -> bool:
    """Kill the worker, given by its log, that publishes what is due; False if nothing is left to do.

    `before` is how many were published before those became due.
    """
    wait_until(lambda: sum(map(published_lines, workers)) > before, every=0.01)
    for worker in workers.values():
        worker.suspend()
    is_midway = sum(map(published_lines, workers)) < before + due
    if is_midway:
        workers[max(workers, key=published_lines)].kill()
    for worker in workers.values():
        with suppress(psutil.NoSuchProcess):
            worker.resume()
    return is_midway


@pytest.mark.timeout(800)  # half a minute on a machine of its own
def test_what_is_due_in_one_minute_is_published_once_although_a_worker_is_killed_midway(
    tmp_path: Path, services: dict[str, str], request: pytest.FixtureRequest
) -> None:
    due = 300 if request.config.getoption("full_drills") else 100
    settings = {**services, "OUTBOUND_ALLOW": "127.0.0.0/8"}
    with ExitStack() as stack:
        receiver = stack.enter_context(WebServer())
        receiver.routes["/hook"] = failing_every(3)
        running = stack.enter_context(started_up(tmp_path, settings))
        second = stack.enter_context(part("worker", running, tmp_path))
        stack.enter_context(part("clock", running, tmp_path))
        owner = stack.enter_context(owner_of(running))
        show = owner.call("POST", "/api/shows", json={"title": "Show"})["id"]
        hook = owner.call(
            "POST",
            "/api/v1/webhooks",
            json={"url": receiver.url("/hook"), "events": ["episode.published"]},
        )["webhook"]["id"]
        far = datetime.now(UTC) + timedelta(days=1)
        workers = {
            tmp_path / "worker.log": psutil.Process(second.pid),
            running.errors: running.child("worker"),
        }
        made: set[int] = set()
        is_midway = False
        while not is_midway:
            # Again if the machine was with others until all were published.
            before = len(made)
            made |= {owner.schedule(show, at=far, number=number) for number in range(due)}
            let_their_time_come(running, tmp_path)
            is_midway = kill_midway(workers, before=before, due=due)
        episodes = len(made)

        wait_until(lambda: owner.count(show, "published") == episodes)

        def all_delivered() -> bool:
            # What failed twice waits for minutes; an owner who looks asks for it at once.
            for one in owner.deliveries(hook, "waiting")["deliveries"]:
                if one["attempts"] > 1:
                    again = owner.client.post(
                        f"/api/v1/webhooks/deliveries/{one['delivery_id']}/redeliver"
                    )
                    # What was asked for a moment ago may be on its way just now.
                    assert again.is_success or again.status_code == httpx.codes.CONFLICT
            return bool(owner.deliveries(hook, "delivered")["total"] == episodes)

        wait_until(all_delivered)

        told = [json.loads(one.split(b"\r\n\r\n", 1)[1]) for one in receiver.requests]
        episode_of = {(one["delivery_id"], one["data"]["id"]) for one in told}
        assert {one["event"] for one in told} == {"episode.published"}
        assert sorted(episode for _, episode in episode_of) == sorted(made)
        assert len({delivery for delivery, _ in episode_of}) == episodes
        assert all(one["data"]["status"] == "published" for one in told)
        feed = ET.fromstring(owner.client.get(f"/api/shows/{show}/feed").content)  # noqa: S314 - our own
        assert len({guid.text for guid in feed.iter("guid")}) == len(list(feed.iter("item")))


@pytest.mark.once
def test_what_became_due_while_the_machine_was_off_is_published_at_its_start(
    tmp_path: Path, services: dict[str, str]
) -> None:
    with started_up(tmp_path, services) as running, owner_of(running) as owner:
        show = owner.call("POST", "/api/shows", json={"title": "Show"})["id"]
        episode = owner.schedule(show, at=datetime.now(UTC) + timedelta(days=1), number=1)
        key = owner.client.headers["authorization"]
        family = running.family()
        running.process.kill()
        running.process.wait()
        wait_until(lambda: not living(family))
    let_their_time_come(running, tmp_path)

    with started_up(tmp_path, services) as running:

        def status() -> str:
            address = f"{running.url}/api/episodes/{episode}"
            answer = httpx.get(address, headers={"Authorization": key}, timeout=60)
            return str(answer.json()["episode"]["status"])

        wait_until(lambda: status() == "published")
