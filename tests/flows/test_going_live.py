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

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(400)]

RAILWAY = (BASE_DIR / "bench/texts/railway.txt").read_text(encoding="utf-8")
SHOW = {
    "title": "The Line",
    "author": "Ada Harrow",
    "category": "Technology",
    "owner_email": "ada@example.com",
    "description": RAILWAY,
}


@pytest.fixture
def voiced(tmp_path, services):
    with started_up(tmp_path, {**services, "TTS_ENGINE": "hibari"}) as running:
        yield running


def test_a_trailer_is_made_once_although_its_worker_is_killed(voiced: RunningUp):
    client = Client.of(voiced)
    headers = {"Authorization": f"Bearer {client.key}"}
    with httpx.Client(base_url=voiced.url, headers=headers, timeout=60) as http:
        show = http.post("/api/shows", json=SHOW).json()["id"]
        http.put(f"/api/shows/{show}/image", content=pictures.drawing()).raise_for_status()

        def go_live() -> dict[str, Any]:
            return http.post(f"/api/shows/{show}/go-live").json()

        first = threading.Thread(target=go_live)
        first.start()
        sentences = voiced.output.parent / "var" / "cache" / "sentences"
        wait_until(lambda: sum(path.is_file() for path in sentences.rglob("*")) >= 2, every=0.01)
        kill_if_there(voiced.child("worker"))
        assert http.get(f"/api/shows/{show}/trailer.mp3").status_code == 404, "it was too late"
        first.join()

        answers = [go_live()]
        while answers[-1].get("code") == "trailer_not_ready":
            answers.append(go_live())

        assert answers[-1]["status"] == "live", answers[-1]
        episodes = http.get(f"/api/shows/{show}/episodes").json()["episodes"]
        assert [one["episode_type"] for one in episodes] == ["trailer"]
        trailer = Heard.at(f"{voiced.url}/api/shows/{show}/trailer.mp3")
        assert trailer.seconds == pytest.approx(episodes[0]["duration_seconds"], abs=1)
        assert 30 < trailer.seconds < 150
        assert trailer.loudness == pytest.approx(-16, abs=1)
