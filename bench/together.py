"""Ten narrations at once, and one of 50,000 characters: fair shares, a quick API, and flat memory.

    python bench/together.py [--texts 10] [--words 700]

A fresh Podwright gets all texts in one go. While they are spoken, its list of episodes is asked for
ten times a second. `spread` = time of the last to complete / of the first: near 1 when cores are
shared fairly, near the number of texts when each waits for the one before. Then a text of 50,000
characters, and one of a tenth of it, each on a Podwright of its own: `growth` is how much more memory
the worker and its renderers take for ten times the text.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from narrate import Server, _text

TARGET_MILLISECONDS = 100


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--texts", type=int, default=10)
    arguments.add_argument("--words", type=int, default=700)
    given = arguments.parse_args()
    _together(given.texts, given.words)
    _growth()


def _together(texts: int, words: int) -> None:
    with _Running() as server:
        started = time.perf_counter()
        waiting = set()
        for number in range(texts):
            text = _text(words).replace("said witness", f"said witness {number} of street")
            body = {"source_type": "text", "text": text}
            waiting.add(server.call("POST", "/api/v1/episodes", body)["id"])
        times, waits = [], []
        while waiting:
            before = time.perf_counter()
            found = server.call("GET", "/api/v1/episodes?limit=50")["episodes"]
            now = time.perf_counter()
            waits.append(now - before)
            for episode in found:
                assert episode["status"] != "failed", episode["error_message"]
                if episode["status"] == "complete" and episode["id"] in waiting:
                    waiting.remove(episode["id"])
                    times.append(now - started)
            time.sleep(0.1)
    median = statistics.median(waits) * 1_000
    print(
        f"{texts} texts of {words} words: first complete after {times[0]:.1f} s, last after "
        f"{times[-1]:.1f} s, spread {times[-1] / times[0]:.2f}; API median {median:.0f} ms "
        f"(target {TARGET_MILLISECONDS}), slowest {max(waits) * 1_000:.0f} ms of {len(waits)}"
    )


def _growth() -> None:
    peaks = []
    whole = _text(9_000)
    for text in (whole[:5_000], whole):
        with _Running() as server:
            server.narrate(text)
        peaks.append({name: server.peaks.get(name, 0.0) for name in ("worker", "renderer")})
        shown = ", ".join(f"{name} {used:.0f} MiB" for name, used in peaks[-1].items())
        print(f"{len(text):,} characters: {shown}")
    grown = [f"{name} {peaks[1][name] - peaks[0][name]:+.0f} MiB" for name in peaks[0]]
    print("growth:", ", ".join(grown))


class _Running:
    """A Podwright in a folder of its own, ended and removed afterwards."""

    def __enter__(self) -> Server:
        self._folder = tempfile.TemporaryDirectory(prefix="podwright-bench-")
        self._server = Server(Path(self._folder.name), sorted(os.sched_getaffinity(0)))
        self._server.start()
        return self._server

    def __exit__(self, *_failure: object) -> None:
        self._server.stop()
        self._folder.cleanup()


if __name__ == "__main__":
    main()
