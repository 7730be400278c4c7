"""Keeps a handful of programs running: starts, restarts with back-off, and ends them as one."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

import structlog

from core.parent import mark_children

log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 0.1
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
#: A program that ran this long is healthy again: its next crash waits the first wait only.
HEALTHY_AFTER_SECONDS = 60.0
#: What programs get to end by themselves; the promise for the whole tree is 10 s.
GRACE_SECONDS = 7.0
GROUP_END_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Program:
    """One command line with the name that logs use for it."""

    name: str
    command: tuple[str, ...]


def next_wait(*, last_wait: float, ran_for: float) -> float:
    """Seconds to wait before a restart: doubling from half a second to thirty, reset by health."""
    if last_wait == 0 or ran_for >= HEALTHY_AFTER_SECONDS:
        return FIRST_WAIT_SECONDS
    return min(last_wait * 2, LONGEST_WAIT_SECONDS)


class Supervisor:
    """Runs programs, each in a session of its own, until told to stop.

    A program that ends is started again; what is left of its process group is killed first, so
    that nothing of the old one holds a port or a lock.
    """

    def __init__(
        self, programs: Sequence[Program], *, end_when: Callable[[], bool] = lambda: False
    ) -> None:
        self._children = [_Child(program) for program in programs]
        self._end_when = end_when
        self._is_stopping = False
        self._interrupts = 0

    def run(self, *, on_look: Callable[[], None] = lambda: None) -> None:
        """Start everything and return when all of it has ended after a signal or `end_when`.

        `on_look` is called at every round and must be quick.
        """
        self._catch_signals()
        mark_children()
        try:
            while not self._is_stopping and not self._end_when():
                for child in self._children:
                    child.look()
                on_look()
                time.sleep(LOOK_EVERY_SECONDS)
        finally:
            self._end_all()

    def _catch_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # Whoever ignores a signal (nohup) means it.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._request_stop)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        self._is_stopping = True
        self._interrupts += number == signal.SIGINT

    def _end_all(self) -> None:
        for child in self._children:
            child.ask_to_end()
        deadline = time.monotonic() + GRACE_SECONDS
        while any(child.runs for child in self._children):
            # A second Ctrl-C means: now. Terminals that close may send SIGHUP twice.
            if time.monotonic() > deadline or self._interrupts > 1:
                break
            time.sleep(0.05)
        for child in self._children:
            child.kill()
        log.info("everything_ended")


class _Child:
    """The present process of one program, and when the next one may start."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0
        self._wait = 0.0

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def look(self) -> None:
        """Start the process when it is due; notice when it has ended."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._start_at:
                self._start(now)
        elif self._process.poll() is not None:
            self._clean_up_after(self._process, now)

    def ask_to_end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process is not None:
            _end_group(self._process.pid)
            self._process.wait()

    def _start(self, now: float) -> None:
        try:
            # Its own session: Ctrl-C reaches `up` alone, and the whole group can be killed.
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                self._program.command, stdin=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            self._wait = next_wait(last_wait=self._wait, ran_for=0)
            self._start_at = now + self._wait
            log.error("program_not_started", program=self._program.name, error=str(error))  # noqa: TRY400 - the reason says all
            return
        self._started_at = now
        log.info("program_started", program=self._program.name, process=self._process.pid)

    def _clean_up_after(self, process: subprocess.Popen[bytes], now: float) -> None:
        _end_group(process.pid)
        self._wait = next_wait(last_wait=self._wait, ran_for=now - self._started_at)
        self._start_at = now + self._wait
        self._process = None
        log.warning(
            "program_ended",
            program=self._program.name,
            code=process.returncode,
            starts_again_in_seconds=self._wait,
        )


def _end_group(group: int) -> None:
    """Kill what lives of a process group and wait, briefly, until it is gone."""
    deadline = time.monotonic() + GROUP_END_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            # macOS answers "not permitted" for a group of which only zombies are left.
            return
        # As process 1 of a container we inherit the orphans: collect them.
        with suppress(ChildProcessError):
            while os.waitpid(-group, os.WNOHANG) != (0, 0):
                pass
        time.sleep(0.02)
