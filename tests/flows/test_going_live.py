"""Going live with real processes: the trailer in the real voice, although its worker is killed."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from config.env import BASE_DIR
from tests.factories import pictures
from tests.flows.narrating import Client, Heard
from tests.flows.running import RunningUp, kill_if_there, started_up, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(800)]

RAILWAY = (BASE_DIR / "bench/texts/railway.txt").read_text(encoding="utf-8")
SHOW = {
    "title": "The Line",
    "author": "Ada Harrow",
    "category": "Technology",
    "owner_email": "ada@example.com",
}


@pytest.fixture
def voiced(tmp_path, services):
    with started_up(tmp_path, {**services, "TTS_ENGINE": "hibari"}) as running:
        yield running


def test_a_trailer_is_made_once_although_its_worker_is_killed(voiced: RunningUp):
    client = Client.of(voiced)
    headers = {"Authorization": f"Bearer {client.key}"}
    with httpx.Client(base_url=voiced.url, headers=headers, timeout=60) as http:
        # Who looks too late, since others have the machine, finds a trailer; then again.
        shows = (killed_midway(http, voiced, number) for number in range(5))
        show = next(show for show in shows if show is not None)

        answers = [go_live(http, show)]
        while answers[-1].get("code") == "trailer_not_ready":
            answers.append(go_live(http, show))

        assert answers[-1]["status"] == "live", answers[-1]
        episodes = http.get(f"/api/shows/{show}/episodes").json()["episodes"]
        assert [one["episode_type"] for one in episodes] == ["trailer"]
        trailer = Heard.at(f"{voiced.url}/api/shows/{show}/trailer.mp3")
        assert trailer.seconds == pytest.approx(episodes[0]["duration_seconds"], abs=1)
        assert 30 < trailer.seconds < 150
        assert trailer.loudness == pytest.approx(-16, abs=1)


def killed_midway(http: httpx.Client, voiced: RunningUp, number: int) -> int | None:
    """A show whose trailer was being spoken when the worker was killed; None if it was finished."""
    description = RAILWAY.replace(". ", f", said witness {number}. ")
    show = int(http.post("/api/shows", json={**SHOW, "description": description}).json()["id"])
    http.put(f"/api/shows/{show}/image", content=pictures.drawing()).raise_for_status()
    sentences = voiced.output.parent / "var" / "cache" / "sentences"
    before = len(list(sentences.glob("??/*")))
    first = threading.Thread(target=go_live, args=(http, show))
    first.start()
    wait_until(lambda: len(list(sentences.glob("??/*"))) >= before + 2, every=0.01)
    kill_if_there(voiced.child("worker"))
    finished = http.get(f"/api/shows/{show}/trailer.mp3").status_code == httpx.codes.OK
    first.join()
    return None if finished else show


def go_live(http: httpx.Client, show: int) -> dict[str, Any]:
    return dict(http.post(f"/api/shows/{show}/go-live").json())
