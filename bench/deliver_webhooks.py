# ruff: noqa: E402 - settings and Django come before what needs them
"""Webhooks to 200 endpoints of which one hangs: seconds from the change to the arrival at the others.

    python bench/deliver_webhooks.py [--endpoints 200] [--events 15]

One fresh Podwright with one worker; one endpoint accepts the connection and never answers. Printed
are the median, p95 and the slowest of all deliveries to the others (target: p95 under 2 s), counted
from the event's own time. The floor is the same requests sent by the same HTTP client from as many
threads, with nothing stored.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import re
import socket
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.update(
    DJANGO_SETTINGS_MODULE="config.settings", SECRET_KEY="x" * 50, PUBLIC_URL="https://p.example"
)

import django

django.setup()

from core.http import fetch
from tests.fakes.web_server import WebServer, answer
from tests.flows.running import started_up
from webhooks.dispatcher import SLOTS

PAUSE_SECONDS = 2.0
ENDING_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoints", type=int, default=200)
    parser.add_argument("--events", type=int, default=15)
    arguments = parser.parse_args()
    with (
        Receiver(arguments.endpoints) as receiver,
        tempfile.TemporaryDirectory(prefix="podwright-bench-") as folder,
    ):
        floor = bare_seconds(receiver, arguments.endpoints - 1)
        settings = {"OUTBOUND_ALLOW": "127.0.0.0/8", "WORKERS": "1"}
        with started_up(Path(folder), settings) as running:
            key = re.search(r"pc_live_\w+", running.printed())
            assert key is not None, "up printed no key"
            bearer = {"Authorization": f"Bearer {key[0]}"}
            with httpx.Client(base_url=running.url, headers=bearer, timeout=60) as client:
                make_changes(client, receiver, arguments.endpoints, arguments.events)
            expected = (arguments.endpoints - 1) * arguments.events
            deadline = time.monotonic() + ENDING_SECONDS
            while len(receiver.seconds) < expected and time.monotonic() < deadline:
                time.sleep(0.1)
    report(receiver.seconds, expected, floor)


class Receiver(WebServer):
    """Answers each endpoint but the hanging one, and keeps how long each delivery took."""

    def __init__(self, endpoints: int) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.routes["/hook/0"] = lambda _connection: self.closing.wait()
        for number in range(1, endpoints):
            self.routes[f"/hook/{number}"] = answer(b"ok")
        self.routes["/bare"] = answer(b"ok")

    def _receive(self, connection: socket.socket) -> bytes:
        request = super()._receive(connection)
        target, body = request.split(b" ", 2)[1], request.split(b"\r\n\r\n", 1)[1]
        if target.startswith(b"/hook/") and target != b"/hook/0":
            happened = datetime.fromisoformat(json.loads(body)["timestamp"])
            self.seconds.append(time.time() - happened.timestamp())
        return request


def make_changes(client: httpx.Client, receiver: WebServer, endpoints: int, events: int) -> None:
    show = client.post("/api/shows", json={"title": "Show"}).json()["id"]
    for number in range(endpoints):
        hook = {"url": receiver.url(f"/hook/{number}"), "events": ["show.updated"]}
        client.post("/api/v1/webhooks", json=hook).raise_for_status()
    for number in range(events):
        body = {"description": f"Change {number}"}
        client.patch(f"/api/shows/{show}", json=body).raise_for_status()
        time.sleep(PAUSE_SECONDS)


def bare_seconds(receiver: WebServer, requests: int) -> float:
    """How long one event's requests take without a queue, a signature or a log."""
    allow = [ipaddress.ip_network("127.0.0.0/8")]

    def send(_number: int) -> None:
        fetch(
            receiver.url("/bare"),
            method="POST",
            content=b"{}" * 300,
            max_bytes=8_192,
            timeout=10,
            allow=allow,
        )

    began = time.perf_counter()
    with ThreadPoolExecutor(SLOTS) as pool:
        list(pool.map(send, range(requests)))
    return time.perf_counter() - began


def report(seconds: list[float], expected: int, floor: float) -> None:
    if len(seconds) < expected:
        raise SystemExit(f"{expected - len(seconds)} of {expected} deliveries never arrived")
    ordered = sorted(seconds)
    p95 = ordered[int(len(ordered) * 0.95)]
    print(
        f"{len(seconds)} deliveries beside a hanging endpoint: median {statistics.median(ordered):.2f} s, "
        f"p95 {p95:.2f} s (target 2.00), slowest {ordered[-1]:.2f} s; "
        f"the requests of one event alone: {floor:.2f} s"
    )
    if p95 > 2:
        raise SystemExit("the target is missed")


if __name__ == "__main__":
    main()
