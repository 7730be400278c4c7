"""Keeps a slow or dead model server from holding up work that can do without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

import structlog

from core.chat import Chat, Check, Completion, Message, WriterUnavailable

log = structlog.get_logger(__name__)

FAILURES = 3
REST_SECONDS = 60.0


class WriterResting(WriterUnavailable):
    """The model server has failed several times in a row and is not asked for a while."""

    code = "writer_resting"


class CarefulChat:
    """Asks `chat`, waits at most `limit` seconds, and after some failures leaves it alone for a while.

    Then a single call tries; the others go on without it until that one has succeeded.
    """

    def __init__(
        self,
        chat: Chat,
        *,
        limit: float,
        failures: int = FAILURES,
        rest: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = chat.model
        self._chat = chat
        self._limit = limit
        self._most_failures = failures
        self._rest = rest
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._rests_until = 0.0
        self._is_tried = False

    def context_tokens(self) -> int:
        """What `chat` says."""
        return self._chat.context_tokens()

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        max_tokens: int,
        check: Check,
    ) -> Completion:
        """One answer. Raises `WriterUnavailable`, of which `WriterResting` comes at once."""
        self._enter()
        ask = partial(
            self._chat.complete, messages, schema=schema, max_tokens=max_tokens, check=check
        )
        is_broken = False
        try:
            return _in_time(ask, seconds=self._limit)
        except WriterUnavailable:
            is_broken = True
            raise
        finally:
            self._leave(is_broken=is_broken)

    def _enter(self) -> None:
        with self._lock:
            if self._failures < self._most_failures:
                return
            if self._is_tried or self._clock() < self._rests_until:
                raise WriterResting("The model server has failed several times and is left alone.")
            self._is_tried = True

    def _leave(self, *, is_broken: bool) -> None:
        with self._lock:
            self._is_tried = False
            self._failures = self._failures + 1 if is_broken else 0
            is_resting = self._failures >= self._most_failures
            if is_resting:
                self._rests_until = self._clock() + self._rest
        if is_resting:
            log.warning("model_server_left_alone", failures=self._failures, seconds=self._rest)


def _in_time(ask: Callable[[], Completion], *, seconds: float) -> Completion:
    """What `ask` gives, or `WriterUnavailable` after so many seconds.

    It runs in a thread of its own, which is left behind then: neither the look-up of a name nor an
    answer's head that comes byte by byte can be ended from outside.
    """
    outcomes: SimpleQueue[Completion | Exception] = SimpleQueue()

    def run() -> None:
        try:
            outcomes.put(ask())
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            outcomes.put(error)

    Thread(target=run, name="chat", daemon=True).start()
    with suppress(Empty):
        outcome = outcomes.get(timeout=seconds)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
    raise WriterUnavailable("The model server did not answer in time.")
