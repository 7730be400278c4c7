"""Creating 1,000 episodes in one show: server CPU for each, beside a read of one of them.

    python bench/create_episodes.py [--episodes 1000]

One fresh Podwright with one web process publishes episode after episode over HTTP. Printed is the CPU
time of the web process for a creation among the first and among the last hundred (target: under
30 ms), and for GET of one episode, the floor: key, one query, the same object. Then the feed is read
to its end, page by page if it has pages, and asked for again with its ETag.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.flows.running import RunningUp, started_up

BATCH = 100
NEXT_PAGE = "{http://www.w3.org/2005/Atom}link[@rel='next']"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=1_000)
    episodes = parser.parse_args().episodes
    with (
        tempfile.TemporaryDirectory(prefix="podwright-bench-") as folder,
        started_up(Path(folder), {"WORKERS": "1"}) as running,
    ):
        key = re.search(r"pc_live_\w+", running.printed())
        assert key is not None, "up printed no key"
        with httpx.Client(
            base_url=running.url, headers={"Authorization": f"Bearer {key[0]}"}, timeout=60
        ) as client:
            measure(client, running, episodes)


def measure(client: httpx.Client, running: RunningUp, episodes: int) -> None:
    show = client.post("/api/shows", json={"title": "Show"}).json()["id"]
    batches = []
    made: list[int] = []
    while len(made) < episodes:
        before = cpu_seconds(running)
        for _ in range(min(BATCH, episodes - len(made))):
            made.append(create(client, show, len(made)))
        batches.append((cpu_seconds(running) - before) / BATCH * 1_000)
    before = cpu_seconds(running)
    for episode in made[:BATCH]:
        client.get(f"/api/episodes/{episode}").raise_for_status()
    floor = (cpu_seconds(running) - before) / BATCH * 1_000
    print(
        f"creation: first {BATCH} {batches[0]:.1f} ms of CPU each, last {BATCH} {batches[-1]:.1f} ms, "
        f"most {max(batches):.1f} ms (target 30); reading one: {floor:.1f} ms"
    )
    pages, found, status = read_feed(client, show)
    print(
        f"feed: {len(set(found))} different episodes of {len(made)} in {pages} page(s); "
        f"asked again with its ETag: {status}"
    )
    if max(batches) > 30 or len(set(found)) != len(made) or status != httpx.codes.NOT_MODIFIED:
        raise SystemExit("a target is missed")


def create(client: httpx.Client, show: int, number: int) -> int:
    body = {
        "title": f"Episode {number}",
        "description": "What happened, and what follows from it. " * 20,
        "audio_url": f"https://cdn.example.com/episode-{number}.mp3",
        "audio_length": 12_345_678,
        "duration_seconds": 1_800,
    }
    answer = client.post(f"/api/shows/{show}/episodes", json=body)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return int(answer.json()["id"])


def read_feed(client: httpx.Client, show: int) -> tuple[int, list[str], int]:
    """Number of pages, all guids, and the status of a conditional request for the first page."""
    address, pages, found = f"/api/shows/{show}/feed", 0, []
    first = client.get(address)
    answer = first
    while True:
        document = ET.fromstring(answer.content)  # noqa: S314 - our own
        found += [guid.text or "" for guid in document.iter("guid")]
        pages += 1
        following = document.find(f"channel/{NEXT_PAGE}")
        if following is None:
            break
        answer = client.get(following.attrib["href"])
    again = client.get(address, headers={"If-None-Match": first.headers["etag"]})
    return pages, found, again.status_code


def cpu_seconds(running: RunningUp) -> float:
    """What the web process and its children have used so far."""
    web = running.child("web")
    times = [one.cpu_times() for one in (web, *web.children(recursive=True))]
    return sum(one.user + one.system for one in times)


if __name__ == "__main__":
    main()
