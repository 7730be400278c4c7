"""The renderers of this worker process: one child process a core, replaced when it breaks, shared by all."""

from __future__ import annotations

import os
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import Lock

from production.renderer_process import (
    Outcome,
    SentenceJob,
    render_in_process,
    render_job,
    start_process,
)
from production.sentence_cache import SentenceCache
from production.voices.base import EngineUnavailable, VoiceEngine
from production.voices.engines import EngineOptions

#: A remote engine only makes this machine wait, so more sentences than cores are under way.
REMOTE_THREADS = 8


@dataclass(frozen=True, slots=True)
class Ticket:
    """A job under way, and the executor that has it."""

    future: Future[Outcome]
    executor: Executor


class RenderPool:
    """Runs sentence jobs, those of local engines in child processes, of remote ones in threads.

    Python threads would share one core, and a crash in native code must not take the worker along.
    """

    def __init__(self, options: EngineOptions, cache: SentenceCache, *, workers: int) -> None:
        self.options = options
        self.cache = cache
        self.workers = max(1, workers)
        self._closed = False
        self._used_at = time.monotonic()
        self._lock = Lock()
        self._processes: ProcessPoolExecutor | None = None
        self._threads: ThreadPoolExecutor | None = None

    def width(self, engine: VoiceEngine) -> int:
        """How many sentences of `engine` can be rendered at the same time."""
        return REMOTE_THREADS if engine.remote else self.workers

    def submit(self, job: SentenceJob, engine: VoiceEngine) -> Ticket:
        """Start a job, in the order of submission; raises EngineUnavailable once closed."""
        if engine.remote:
            threads = self._thread_pool()
            future = threads.submit(render_job, job, engine=engine, cache=self.cache)
            return Ticket(future, threads)
        self._used_at = time.monotonic()
        processes = self._process_pool()
        try:
            return Ticket(processes.submit(render_in_process, job), processes)
        except (BrokenProcessPool, RuntimeError):  # broken, or replaced by another thread just now
            self.replace(processes)
            processes = self._process_pool()
            return Ticket(processes.submit(render_in_process, job), processes)

    def replace(self, executor: Executor, *, kill: bool = False) -> None:
        """Forget `executor`, whose child has died or (then `kill`) does not answer any more.

        The next job starts a new one. Nothing happens if another production has replaced it already.
        """
        with self._lock:
            if executor is not self._processes:
                return
            broken, self._processes = self._processes, None
        if kill:
            # The executor has no public way to its processes before Python 3.14.
            for process in list((broken._processes or {}).values()):  # noqa: SLF001
                process.kill()
        _stop(broken)

    def rest(self, *, idle_seconds: float) -> bool:
        """End the child processes (350 MB each) if no job came for so long; the next starts new ones."""
        processes = self._processes
        if processes is None or time.monotonic() - self._used_at < idle_seconds:
            return False
        self.replace(processes)
        return True

    def close(self) -> None:
        """End all renderers, dropping jobs that have not begun."""
        with self._lock:
            self._closed = True
            executors: list[Executor | None] = [self._processes, self._threads]
            self._processes = self._threads = None
        for executor in executors:
            _stop(executor)

    def _process_pool(self) -> ProcessPoolExecutor:
        with self._lock:
            self._require_open()
            if self._processes is None:
                # spawn: a fork of a process with threads may copy a lock that nobody will release.
                self._processes = ProcessPoolExecutor(
                    self.workers,
                    mp_context=get_context("spawn"),
                    initializer=start_process,
                    initargs=(self.options, self.cache.directory, os.getpid()),
                )
            return self._processes

    def _thread_pool(self) -> ThreadPoolExecutor:
        with self._lock:
            self._require_open()
            if self._threads is None:
                self._threads = ThreadPoolExecutor(REMOTE_THREADS, thread_name_prefix="speech")
            return self._threads

    def _require_open(self) -> None:
        if self._closed:
            raise EngineUnavailable("The renderers are being shut down.")


def _stop(executor: Executor | None) -> None:
    if executor is not None:
        executor.shutdown(wait=False, cancel_futures=True)


_pools: dict[tuple[EngineOptions, Path, int], RenderPool] = {}
_pools_lock = Lock()


def shared_pool(options: EngineOptions, cache_directory: Path, *, workers: int) -> RenderPool:
    """Return this process's pool for the arguments, the same one at every call."""
    with _pools_lock:
        key = (options, cache_directory, workers)
        if key not in _pools:
            _pools[key] = RenderPool(options, SentenceCache(cache_directory), workers=workers)
        return _pools[key]


def close_shared_pools() -> None:
    """End the renderers of all shared pools, for a worker that shuts down."""
    with _pools_lock:
        pools = list(_pools.values())
        _pools.clear()
    for pool in pools:
        pool.close()
