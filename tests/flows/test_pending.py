"""Hundreds of narrations wait while everything is killed: each is there afterwards, once, and goes on."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.flows.narrating import Client
from tests.flows.running import (
    end,
    environment_of,
    kill_if_there,
    living,
    run_manage,
    started_up,
    wait_until,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_000)]

SUBMITTED = 60
#: A quick machine may be through with them before the kill.
LOOKED_AT = 200
#: For a few of them, on a machine that is busy with other tests.
SECONDS = 400
TEXT = (
    "Text number {number}. Trains have run on this line for a hundred and fifty years, and they are "
    "never late, which is why the people of the valley set their clocks by them."
)
#: The others, written as the first ones were, without waiting for as many answers.
WRITE_THE_OTHERS = """
from django.utils import timezone
from episodes.models import Episode
from narration.models import Narration
first, now = Narration.objects.select_related("episode").earliest("pk"), timezone.now()
made = Episode.objects.bulk_create(
    Episode(show_id=first.episode.show_id, title=f"Text {number}", state="draft",
            production_state="pending", created_at=now, updated_at=now)
    for number in range(SUBMITTED, PENDING)
)
Narration.objects.bulk_create(
    Narration(episode=episode, source_type="paste", due_at=now, created_at=now,
              text=TEXT.format(number=episode.title.split()[1]))
    for episode in made
)
print("WRITTEN", len(made))
"""


def shown(client: Client, pending: int) -> dict[str, str]:
    """Id -> status of all episodes, page by page; none may come twice."""
    found: dict[str, str] = {}
    for page in range(1, pending // 100 + 1):
        answer = client.call("GET", f"/api/v1/episodes?limit=100&page={page}")
        assert answer["meta"]["total"] == pending
        of_page = {episode["id"]: episode["status"] for episode in answer["episodes"]}
        found |= of_page
    return found


def complete(client: Client, pending: int) -> set[str]:
    """Those of the LOOKED_AT oldest, whose turn comes first."""
    found = [
        client.call("GET", f"/api/v1/episodes?limit=100&page={page}")["episodes"]
        for page in (pending // 100 - 1, pending // 100)
    ]
    return {one["id"] for page in found for one in page if one["status"] == "complete"}


def test_survive_the_death_of_every_process(tmp_path, services, request):
    pending, some = (1_000, 20) if request.config.getoption("full_drills") else (300, 5)
    settings = {**services, "DEFAULT_PLAN": "agent_scale", "NARRATIONS_PER_HOUR": "2000"}
    with started_up(tmp_path, settings) as first:
        client = Client.of(first)
        submitted = submit(client)
        kill_all([psutil.Process(first.process.pid)])
        first.process.wait()
    written = run_manage(
        "shell",
        "-c",
        f"SUBMITTED, PENDING, TEXT = {SUBMITTED}, {pending}, {TEXT!r}\n{WRITE_THE_OTHERS}",
        environment=environment_of(tmp_path / "var", first.port, **settings),
    )
    assert f"WRITTEN {pending - SUBMITTED}" in written.stdout, written.stderr

    with started_up(tmp_path, settings, first.port) as again:
        every = shown(client, pending)
        assert len(every) == pending
        assert submitted <= set(every)
        before = wait_for_others(client, set(), pending, some)

        kill_all([again.child("worker"), again.child("web")])

        wait_until(again.answers)
        wait_for_others(client, before, pending, some)
        after = shown(client, pending)
        assert set(after) == set(every)
        assert "failed" not in after.values()
        assert all(after[key] == "complete" for key in before)
        assert_in_feed_once(client, before)
        end(again.process)


def wait_for_others(client: Client, before: set[str], pending: int, some: int) -> set[str]:
    """Those that are complete once there are `some` beside those of `before`, or none is left."""
    deadline = time.monotonic() + SECONDS
    wanted = min(some, LOOKED_AT - len(before))
    while len((found := complete(client, pending)) - before) < wanted:
        assert time.monotonic() < deadline, "nothing was done"
        # The machine is for the worker, not for those who ask.
        time.sleep(1)
    return found


def submit(client: Client) -> set[str]:
    def one(number: int) -> str:
        return client.narrate(source_type="text", text=TEXT.format(number=number))

    with ThreadPoolExecutor(8) as threads:
        return set(threads.map(one, range(SUBMITTED)))


def kill_all(processes: list[psutil.Process]) -> None:
    """Them and all that they have started, with nothing left of them afterwards."""
    families = [one for root in processes for one in (root, *root.children(recursive=True))]
    for process in families:
        kill_if_there(process)
    wait_until(lambda: not living(families))


def assert_in_feed_once(client: Client, wanted: set[str]) -> None:
    addresses = [
        str(enclosure.get("url"))
        for item in client.feed().iter("item")
        for enclosure in item.iter("enclosure")
    ]
    assert len(addresses) == len(set(addresses))
    # The feed shows the newest of them; an enclosure's address names its episode.
    named = [key for key in wanted if any(key in address for address in addresses)]
    assert named
