"""Memory of one web worker: after 1,000,000 mixed requests over 10,000 shows, and after 10,000.

`python bench/memory.py [--quick]`. Feeds (compressed, plain, unchanged) and counted redirects in
random order, every listener with one of 1,000 agents. `--quick`: 20,000 over 500 shows.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
from _ours import seeded, started
from _serving import CONNECTIONS, LOAD_CORE, QUICK, free_port

SHOWS = 500 if QUICK else 10_000
FIRST = 10_000
ALL = 20_000 if QUICK else 1_000_000
SLICE = 2 if QUICK else 10
TARGET = 1.2
MIXED = """
local wanted, shows = %(requests)d, %(shows)d
math.randomseed(%(requests)d)
request = function()
  local n, kind = math.random(shows), math.random(10)
  local headers = {["User-Agent"] = "AntennaPod/3." .. math.random(1000)}
  if kind <= 4 then return wrk.format("GET", "/api/track/" .. n .. ".mp3", headers) end
  if kind <= 8 then headers["Accept-Encoding"] = "gzip" end
  if kind >= 7 and kind <= 9 then headers["If-None-Match"] = "*" end
  return wrk.format("GET", "/api/shows/" .. n .. "/feed", headers)
end
response = function()
  wanted = wanted - 1
  if wanted == 0 then wrk.thread:stop() end
end
"""


def ask(port: int, requests: int, tmp: Path) -> None:
    """So many requests, in slices: wrk ends by the clock alone, and idles once it has enough."""
    script = tmp / "mixed.lua"
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SLICE}s"]
    command += ["--timeout=60s", "-s", str(script), f"http://127.0.0.1:{port}"]
    while requests > 0:
        script.write_text(MIXED % {"requests": requests, "shows": SHOWS})
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert "Non-2xx" not in done.stdout, done.stdout
        answered = int(re.search(r"(\d+) requests in", done.stdout)[1])
        assert answered, done.stdout
        requests -= answered


def mebibytes(pid: int) -> float:
    """Resident memory of the worker, the largest process below the server's."""
    children = psutil.Process(pid).children(recursive=True)
    return max(child.memory_info().rss for child in children) / 2**20


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        seeded(tmp, free_port(), shows=SHOWS, episodes=1)
        with started(tmp) as (port, pid):
            ask(port, FIRST, tmp)
            first = mebibytes(pid)
            began = time.monotonic()
            ask(port, ALL - FIRST, tmp)
            took = time.monotonic() - began
            last = mebibytes(pid)
    verdict = "ok" if last / first <= TARGET else "MISSED"
    print(
        f"one worker, {SHOWS:,} shows: {first:.0f} MiB after {FIRST:,} requests, {last:.0f} MiB after"
        f" {ALL:,} ({(ALL - FIRST) / took:,.0f} a second): {last / first:.2f} times"
        f" (target {TARGET})  {verdict}"
    )


if __name__ == "__main__":
    main()
