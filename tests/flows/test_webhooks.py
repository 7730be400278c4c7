"""Webhooks with real processes: from a change over the API to a receiver that fails now and then."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.fakes.web_server import WebServer
from tests.flows.running import started_up, wait_until
from tests.webhooks.conftest import failing_every
from webhooks.signing import podclaw_signature

# The drill of the schedule has such an endpoint on both databases.
pytestmark = [pytest.mark.slow, pytest.mark.once]

EPISODES = 12


def told(server: WebServer, path: str) -> list[tuple[dict[str, str], bytes]]:
    """Headers and body of each request to `path`."""
    return [
        (server.request_headers(number), request.split(b"\r\n\r\n", 1)[1])
        for number, request in enumerate(list(server.requests))
        if request.split(b" ", 2)[1].decode() == path
    ]


def test_every_change_reaches_an_endpoint_that_fails_every_third_call(
    tmp_path: Path, services: dict[str, str]
) -> None:
    settings = {**services, "OUTBOUND_ALLOW": "127.0.0.0/8"}
    with WebServer() as receiver, started_up(tmp_path, settings) as running:
        receiver.routes["/hook"] = failing_every(3)
        key = re.search(r"pc_live_[A-Za-z0-9]{32}", running.printed())
        assert key is not None
        with httpx.Client(
            base_url=running.url, headers={"Authorization": f"Bearer {key[0]}"}, timeout=60
        ) as client:
            hook = client.post(
                "/api/v1/webhooks",
                json={"url": receiver.url("/hook"), "events": ["episode.published"]},
            ).json()["webhook"]
            show = client.post("/api/shows", json={"title": "Show"}).json()["id"]
            made = set()
            for number in range(EPISODES):
                episode = {"title": f"Episode {number}", "audio_url": "https://example.com/a.mp3"}
                made.add(client.post(f"/api/shows/{show}/episodes", json=episode).json()["id"])

            def delivered() -> list[dict[str, object]]:
                log = client.get(
                    f"/api/v1/webhooks/{hook['id']}/deliveries", params={"state": "delivered"}
                )
                return log.json()["deliveries"]

            def told_of() -> set[int]:
                return {json.loads(body)["data"]["id"] for _, body in told(receiver, "/hook")}

            # The first retry comes after 5 s, which the worker waits for itself.
            wait_until(lambda: len(delivered()) >= EPISODES * 2 // 3)
            wait_until(lambda: any(int(str(one["attempts"])) > 1 for one in delivered()))
            wait_until(lambda: told_of() >= made)

        requests = told(receiver, "/hook")
        assert told_of() == made
        assert all(
            headers["x-podclaw-signature"] == podclaw_signature(hook["secret"], body)
            for headers, body in requests
        )
