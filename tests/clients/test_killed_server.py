"""A web server that is killed under load loses none of the hits that it answered."""

from __future__ import annotations

import threading
import time

import httpx
import psutil
import pytest

from analytics.hits import unpack
from analytics.spool import seal_orphans


@pytest.mark.slow
def test_no_answered_hit_is_lost(own_served):
    answered = []

    def listen(name):
        number = 0
        with httpx.Client(timeout=5) as client:
            while True:
                agent = f"listener-{name}-{number}"
                try:
                    answer = client.get(
                        f"{own_served.url}/api/track/1.mp3", headers={"User-Agent": agent}
                    )
                except httpx.HTTPError:
                    return
                assert answer.status_code == 302
                answered.append(agent)
                number += 1

    listeners = [threading.Thread(target=listen, args=(name,)) for name in range(4)]
    for thread in listeners:
        thread.start()
    deadline = time.monotonic() + 30
    while len(answered) < 300 and time.monotonic() < deadline:
        time.sleep(0.01)

    server = psutil.Process(own_served.pid)
    for process in [server, *server.children(recursive=True)]:
        process.kill()
    for thread in listeners:
        thread.join()

    spool = own_served.data_dir / "spool"
    seal_orphans(spool)
    written = {
        unpack(line).user_agent
        for path in spool.glob("*.hits")
        for line in path.read_bytes().splitlines()
    }
    assert len(answered) >= 300
    assert set(answered) <= written
