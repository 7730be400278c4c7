"""Web workers that are killed under load, one by one and all at once, lose no hit that they answered."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from analytics.hits import HitKind, unpack
from analytics.spool import seal_orphans
from tests.flows.running import living, wait_until

LISTENERS = 4
PATIENCE_SECONDS = 150


class Load:
    """Listeners who ask for redirects and for parts of the file, each time under another name."""

    def __init__(self, served):
        self._served = served
        #: Names by the kind of hit that must be there for them.
        self.answered = {HitKind.TRACK: [], HitKind.MEDIA: []}
        self._over = threading.Event()
        with httpx.Client(base_url=served.url, timeout=60) as client:
            location = client.get("/api/track/1.mp3").headers["Location"]
        self._media = served.url + urlsplit(location).path
        self._threads = [
            threading.Thread(target=self._listen, args=(number,)) for number in range(LISTENERS)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, count):
        """Return when that many more answers came, of either kind."""
        goal = self.total() + count
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.total() < goal:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def total(self):
        return sum(map(len, self.answered.values()))

    def _listen(self, listener):
        number = 0
        while not self._over.is_set():
            # A new connection each time it broke, which reaches whoever lives.
            with httpx.Client(timeout=20) as client:
                try:
                    while not self._over.is_set():
                        number += 1
                        self._ask(client, f"listener-{listener}-{number}")
                except httpx.HTTPError:
                    self._over.wait(0.01)

    def _ask(self, client, agent):
        headers = {"User-Agent": agent}
        track = client.get(f"{self._served.url}/api/track/1.mp3", headers=headers)
        assert track.status_code == 302
        self.answered[HitKind.TRACK].append(agent)
        media = client.get(self._media, headers=headers | {"Range": "bytes=0-999"})
        assert media.status_code == 206
        self.answered[HitKind.MEDIA].append(agent)


def oldest_worker(served):
    """Not the one that came last: a worker that dies soon again ends the server, as it should."""
    workers = [
        process
        for process in living(psutil.Process(served.pid).children())
        # A process of Python's own, beside the workers.
        if "resource_tracker" not in " ".join(process.cmdline())
    ]
    return min(workers, key=psutil.Process.create_time)


@pytest.mark.slow
def test_no_answered_hit_is_lost(own_served):
    with Load(own_served) as load:
        for _ in range(2):
            load.wait_for_more(150)
            oldest_worker(own_served).kill()
            # The other one goes on, and soon it is two again.
            load.wait_for_more(150)
        load.wait_for_more(150)
        server = psutil.Process(own_served.pid)
        everybody = [server, *server.children(recursive=True)]
        for process in everybody:
            process.kill()

    # A writer that is still dying holds its file, which then counts as that of a living one.
    wait_until(lambda: living(everybody) == [])
    spool = own_served.data_dir / "spool"
    seal_orphans(spool)
    written = {kind: set() for kind in load.answered}
    for path in spool.glob("*.hits"):
        for line in path.read_bytes().splitlines():
            hit = unpack(line)
            if hit.kind in written:
                written[hit.kind].add(hit.user_agent)
    for kind, names in load.answered.items():
        assert len(names) >= 300
        assert set(names) <= written[kind]
