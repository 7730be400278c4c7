"""Memory of a whole Podwright at rest and over many narrations, by process.

    python bench/worker_memory.py [--narrations 200] [--rest 60]

Short texts are narrated one after another with the built-in voice. Printed is what the worker, its
render processes, the clock and the web processes hold: after the start, after a rest in which the
sweeps run, after a tenth, a half and all of the narrations, and after another rest. Target: after
all no more than 1.1 times what it was after a tenth.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import psutil
from narrate import Server, kind_of

TARGET = 1.1
KINDS = ("worker", "renderer", "clock", "web")


class Patient(Server):
    """A server that narrates as often as it is asked."""

    @property
    def environment(self) -> dict[str, str]:
        unlimited = {"NARRATIONS_PER_HOUR": "1000000", "REQUESTS_PER_MINUTE": "1000000"}
        return {
            **super().environment,
            **unlimited,
            "DEFAULT_PLAN": "enterprise",
            "NARRATION_MINIMUM_CHARACTERS": "1",
        }

    def mebibytes(self) -> dict[str, float]:
        """Resident memory of the largest process of each kind."""
        held = dict.fromkeys(KINDS, 0.0)
        for process in psutil.Process(self.process.pid).children(recursive=True):
            kind = kind_of(process.cmdline())
            if kind in held:
                held[kind] = max(held[kind], process.memory_info().rss / 2**20)
        return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--narrations", type=int, default=200)
    parser.add_argument("--rest", type=float, default=60.0, help="seconds of each rest")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Patient(Path(folder), sorted(os.sched_getaffinity(0)))
        server.start()
        try:
            early, late = _run(server, arguments.narrations, arguments.rest)
        finally:
            server.stop()
    for kind in KINDS:
        ratio = late[kind] / early[kind]
        print(f"{kind}: {ratio:.2f} times ({TARGET})  {'ok' if ratio <= TARGET else 'MISSED'}")


def _run(
    server: Patient, narrations: int, rest: float
) -> tuple[dict[str, float], dict[str, float]]:
    """What each kind held after a tenth of the narrations, and after all."""
    marks = {max(1, narrations // 10), max(1, narrations // 2), narrations}
    held = [_note("start", server)]
    time.sleep(rest)
    _note("rest", server)
    for number in range(1, narrations + 1):
        server.narrate(f"This is note number {number}, and it says no more than that it is there.")
        if number in marks:
            held.append(_note(f"{number} narrations", server))
    time.sleep(rest)
    _note("rest", server)
    return held[1], held[-1]


def _note(moment: str, server: Patient) -> dict[str, float]:
    held = server.mebibytes()
    print(
        f"{moment:16}", ", ".join(f"{kind} {held[kind]:.0f}" for kind in KINDS), "MiB", flush=True
    )
    return held


if __name__ == "__main__":
    main()
