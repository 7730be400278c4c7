"""Hits lost of those that a web server had answered when it was killed under load; three fresh starts.

`python bench/killed.py [--quick]`. wrk counts what was answered, the spool tells what is there.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
from _ours import seeded, started
from _serving import AGENTS, CONNECTIONS, LOAD_CORE, SECONDS, STARTS, Load, free_port, warm_up

from analytics.spool import seal_orphans

TRACK = "/api/track/1.mp3"


def answered_and_written(tmp: Path) -> tuple[int, int]:
    """Requests that wrk got an answer to until the server was killed, and hits in the spool."""
    spool = tmp / "data" / "spool"
    script = tmp / "agents.lua"
    script.write_text(AGENTS)
    with started(tmp) as (port, pid):
        warm_up(port, Load(TRACK, status=302))
        before = lines(spool)
        command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{CONNECTIONS}"]
        command += [f"-d{2 * SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}{TRACK}"]
        load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        time.sleep(SECONDS)
        server = psutil.Process(pid)
        for process in [server, *server.children(recursive=True)]:
            process.kill()
        printed, _ = load.communicate()
    seal_orphans(spool)
    return int(re.search(r"(\d+) requests in", printed)[1]), lines(spool) - before


def lines(spool: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in spool.glob("*.*"))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        seeded(tmp, free_port(), shows=1, episodes=1)
        found = [answered_and_written(tmp) for _ in range(STARTS)]
    lost = sum(max(0, answered - written) for answered, written in found)
    shown = ", ".join(f"{answered:,} answered {written:,} written" for answered, written in found)
    print(f"killed under load: {shown}: {lost} hits lost (target 0)  {'MISSED' if lost else 'ok'}")


if __name__ == "__main__":
    main()
