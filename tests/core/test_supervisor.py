"""The waits between restarts, and a supervised program's leftovers."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil

from config.env import BASE_DIR
from core.supervisor import GRACE_SECONDS, next_wait
from tests.flows.running import PATIENCE_SECONDS, living, wait_until

#: Runs one program that starts a child in its group, writes both process ids down, and sleeps.
SUPERVISING = """
import sys
sys.path.insert(0, {base!r})
from core import supervisor
from core.supervisor import Program, Supervisor
supervisor.GRACE_SECONDS = {grace}
program = '''
import subprocess, sys, time, os
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open({pids!r}, "a") as file:
    file.write(f"{{os.getpid()}} {{child.pid}}\\\\n")
{ending}
'''
Supervisor([Program(name="it", command=(sys.executable, "-c", program))]).run()
"""
IGNORE = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


class TestNextWait:
    def test_doubles_from_half_a_second_to_thirty(self) -> None:
        waits = [0.0]
        for _ in range(9):
            waits.append(next_wait(last_wait=waits[-1], ran_for=1))

        assert waits[1:] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]

    def test_begins_anew_after_a_minute_of_health(self) -> None:
        assert next_wait(last_wait=30, ran_for=60) == 0.5

    def test_goes_on_after_less(self) -> None:
        assert next_wait(last_wait=4, ran_for=59.9) == 8


class TestSupervisor:
    def test_kills_what_a_crashed_program_left_before_the_next_start(self, tmp_path: Path) -> None:
        with supervising(tmp_path, "sys.exit(3)") as (supervisor, starts):
            wait_until(lambda: len(starts()) >= 2)

            first_program, first_child = starts()[0]

            assert living([*first_child, *first_program]) == []
            assert supervisor.poll() is None

    def test_kills_a_program_that_ignores_its_end(self, tmp_path: Path) -> None:
        with supervising(tmp_path, IGNORE, grace=0.5) as (supervisor, starts):
            wait_until(lambda: len(starts()) == 1)
            program, child = starts()[0]

            supervisor.send_signal(signal.SIGTERM)

            assert supervisor.wait(PATIENCE_SECONDS) == 0
            assert living([*program, *child]) == []

    def test_a_second_interrupt_means_now(self, tmp_path: Path) -> None:
        with supervising(tmp_path, IGNORE, grace=10 * PATIENCE_SECONDS) as (supervisor, starts):
            wait_until(lambda: len(starts()) == 1)
            program, child = starts()[0]

            supervisor.send_signal(signal.SIGINT)
            wait_until(lambda: supervisor.poll() is not None or nudge(supervisor))

            assert living([*program, *child]) == []


class supervising:  # noqa: N801 - used as a verb
    """A supervisor of one program in a process of its own, and a look at that program's starts."""

    def __init__(self, folder: Path, ending: str, *, grace: float = GRACE_SECONDS) -> None:
        self._pids = folder / "pids"
        self._pids.touch()
        script = SUPERVISING.format(
            base=str(BASE_DIR), pids=str(self._pids), ending=ending, grace=grace
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", script], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    def __enter__(self) -> tuple[subprocess.Popen[bytes], object]:
        return self._process, self._starts

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()

    def _starts(self) -> list[list[list[psutil.Process]]]:
        lines = self._pids.read_text().splitlines()
        return [[_process(number) for number in line.split()] for line in lines]


def _process(number: str) -> list[psutil.Process]:
    try:
        return [psutil.Process(int(number))]
    except psutil.NoSuchProcess:
        return []


def nudge(process: subprocess.Popen[bytes]) -> bool:
    """Ask again, as an impatient person does; never true."""
    process.send_signal(signal.SIGINT)
    return False
