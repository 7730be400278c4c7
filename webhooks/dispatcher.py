"""Sends deliveries side by side, a few to each endpoint, and waits in the process for short retries.

One thread of a worker process talks to the database; each delivery is sent in a thread of its own
that only talks to the network. The rows stay the truth: a dispatcher that dies loses nothing, since
what it had claimed is free again when the lease ends.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import cache

import structlog
from django.db import connections
from django.utils import timezone

from webhooks.delivering import claim, due_deliveries, fan_out, next_due_at, record_answer
from webhooks.sending import Answer, Outgoing, send

log = structlog.get_logger(__name__)

#: Deliveries that one process sends at a time.
SLOTS = 64
#: Of them to one endpoint: a slow one holds up its own deliveries only.
SLOTS_OF_AN_ENDPOINT = 4
#: Endpoints that fail now get one slot each, and together at most so many.
SLOTS_OF_FAILING = 32
#: Waits up to this long are waited for in the process; longer ones are found by the sweep.
LINGER_SECONDS = 60.0
#: With something under way the queue is looked at again after at most this long.
LOOK_SECONDS = 5.0
_CANDIDATES = 200

Send = Callable[..., Answer]
_Ended = tuple[Outgoing, Answer]


class Dispatcher:
    """Runs while there is something to send within a minute; `ring` starts or wakes it."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = timezone.now,
        send: Send = send,
        linger: float = LINGER_SECONDS,
    ) -> None:
        self._clock = clock
        self._send = send
        self._linger = linger
        # What ended, or None: look again.
        self._inbox: queue.SimpleQueue[_Ended | None] = queue.SimpleQueue()
        self._under_way: Counter[int] = Counter()
        self._failing: set[int] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def ring(self) -> None:
        """Look at the queue now, in the dispatcher's own thread."""
        with self._lock:
            self._inbox.put(None)
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(
                    target=self._run_in_thread, name="webhooks-dispatcher", daemon=True
                )
                self._thread.start()

    def stop(self, *, wait: float) -> None:
        """Claim nothing more, and give what is under way `wait` seconds to end."""
        self._stopping.set()
        with self._lock:
            thread = self._thread
            self._inbox.put(None)
        if thread is not None:
            thread.join(wait)

    def run(self) -> None:
        """Send until nothing is under way and nothing is due soon."""
        while True:
            self._start_due()
            wait = self._seconds_to_wait()
            if wait is None:
                self._failing.clear()
                return
            self._record(self._ended_within(wait))

    def _run_in_thread(self) -> None:
        try:
            while True:
                self.run()
                with self._lock:
                    # A ring that came after the last look starts the next one.
                    if self._stopping.is_set() or self._inbox.empty():
                        self._thread = None
                        return
                self._ended_within(0)
        except Exception:
            log.exception("dispatcher_broke")
            with self._lock:
                self._thread = None
                # What is under way still ends, into an inbox that nobody reads: leases free it.
                self._inbox = queue.SimpleQueue()
                self._under_way.clear()
                self._failing.clear()
        finally:
            connections.close_all()

    def _start_due(self) -> None:
        if self._stopping.is_set():
            return
        fan_out(now=self._clock())
        while self._under_way.total() < SLOTS:
            now = self._clock()
            found = due_deliveries(now=now, limit=_CANDIDATES, busy=self._busy())
            chosen = self._choose(found)
            claimed = claim(chosen, now=now) if chosen else []
            for outgoing in claimed:
                self._start(outgoing)
            if not chosen or len(claimed) < len(chosen):
                return

    def _choose(self, found: list[tuple[int, int, bool]]) -> list[int]:
        """As many of the deliveries found as endpoints and slots have room for."""
        planned = Counter(self._under_way)
        chosen = []
        for delivery, endpoint, is_failing in found:
            if planned.total() >= SLOTS:
                break
            if is_failing:
                self._failing.add(endpoint)
            else:
                self._failing.discard(endpoint)
            if self._has_room(endpoint, planned):
                planned[endpoint] += 1
                chosen.append(delivery)
        return chosen

    def _has_room(self, endpoint: int, planned: Counter[int]) -> bool:
        if endpoint not in self._failing:
            return planned[endpoint] < SLOTS_OF_AN_ENDPOINT
        failing = sum(planned[one] for one in self._failing)
        return planned[endpoint] < 1 and failing < SLOTS_OF_FAILING

    def _busy(self) -> list[int]:
        """Endpoints that have no room just now."""
        known = set(self._under_way) | self._failing
        return [one for one in known if not self._has_room(one, self._under_way)]

    def _start(self, outgoing: Outgoing) -> None:
        self._under_way[outgoing.endpoint_id] += 1
        threading.Thread(
            target=self._work, args=(outgoing, self._inbox), name="webhooks-send", daemon=True
        ).start()

    def _work(self, outgoing: Outgoing, inbox: queue.SimpleQueue[_Ended | None]) -> None:
        inbox.put((outgoing, self._send(outgoing, now=self._clock())))

    def _seconds_to_wait(self) -> float | None:
        """Until something can be due; None when that is too long, with nothing under way."""
        longest = LOOK_SECONDS if self._under_way else None
        if self._stopping.is_set() or self._under_way.total() >= SLOTS:
            return longest
        due_at = next_due_at(busy=self._busy())
        if due_at is None:
            return longest
        seconds = max((due_at - self._clock()).total_seconds(), 0.0)
        if longest is not None:
            return min(seconds, longest)
        return seconds if seconds <= self._linger else None

    def _ended_within(self, seconds: float) -> list[_Ended]:
        """What ended, waiting at most `seconds` for the first; a ring ends the wait too."""
        ended: list[_Ended] = []
        deadline = time.monotonic() + seconds
        try:
            first = self._inbox.get(timeout=max(deadline - time.monotonic(), 0.001))
            while True:
                if first is not None:
                    ended.append(first)
                first = self._inbox.get_nowait()
        except queue.Empty:
            return ended

    def _record(self, ended: list[_Ended]) -> None:
        for outgoing, answer in ended:
            self._under_way[outgoing.endpoint_id] -= 1
            if self._under_way[outgoing.endpoint_id] <= 0:
                del self._under_way[outgoing.endpoint_id]
            if answer.is_success:
                self._failing.discard(outgoing.endpoint_id)
            else:
                self._failing.add(outgoing.endpoint_id)
            ours = record_answer(outgoing, answer, now=self._clock(), chance=random.random())
            log.info(
                "delivery_attempted",
                delivery=outgoing.message_id,
                endpoint=outgoing.endpoint_id,
                attempt=outgoing.attempts,
                status=answer.status,
                error=answer.error,
                milliseconds=answer.milliseconds,
                recorded=ours,
            )


@cache
def dispatcher() -> Dispatcher:
    """The one dispatcher of this process."""
    return Dispatcher()
