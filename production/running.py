"""Runs one production from claim to published episode; safe to be killed at any line and run again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction

from core.errors import PodwrightError, Upstream
from core.lease_beats import lease_kept_up
from core.queue import enqueue
from core.storage import delete_stored
from episodes.services import attach_production
from production.assembling import AssembledAudio, Watcher, assemble
from production.finishing import StoredProduction, store_production
from production.render_pool import RenderPool, shared_pool
from production.rendering import Renderer
from production.script import Script
from production.sentence_cache import StorageFull
from production.services import (
    MAX_ATTEMPTS,
    RETRY_AFTER,
    Claim,
    claim,
    complete,
    due_productions,
    fail,
    give_back,
    renew,
)
from production.states import Phase
from production.voices.registry import options_from_settings, voice_catalog

log = structlog.get_logger(__name__)

#: Productions that one worker process runs side by side; they share its renderers in turns.
SIDE_BY_SIDE = 12
#: How often progress is stored and the lease renewed, in seconds.
BEAT_SECONDS = 2.0

_slots = threading.BoundedSemaphore(SIDE_BY_SIDE)
_shutting_down = threading.Event()

Clock = Callable[[], datetime]


class ProductionBroke(Upstream):
    """The run ended several times without a reason that anybody could name."""

    code = "production_broke"


class _NotOurs(Exception):
    """Cancelled, deleted, or taken over by another worker."""


class _ShuttingDown(Exception):
    """This worker is about to end."""


def run_production(*, production_id: int, clock: Clock) -> bool:
    """Run the production if it can be claimed; True when this call did the work.

    With all slots taken it stays in the queue: each run that ends rings for the next.
    """
    if not _slots.acquire(blocking=False):
        return False
    try:
        claimed = claim(production_id=production_id, now=clock())
        if claimed is None:
            return False
        with structlog.contextvars.bound_contextvars(production=production_id):
            _run(claimed, clock)
    finally:
        _slots.release()
    for next_id in due_productions(now=clock(), limit=1):
        enqueue("production.run", production_id=next_id)
    return True


def shut_down() -> None:
    """Make every run of this process give its production back at its next beat."""
    _shutting_down.set()


def renderers() -> RenderPool:
    """This process's renderers: one for each core that it may use."""
    return shared_pool(
        options_from_settings(),
        Path(settings.DATA_DIR) / "cache" / "sentences",
        workers=len(os.sched_getaffinity(0)),
    )


def _run(claimed: Claim, clock: Clock) -> None:
    production = claimed.production
    if production.attempts > MAX_ATTEMPTS:
        fail(claimed, _broke(), now=clock())
        return
    path = work_folder() / f"{production.pk}-{claimed.lease}.mp3"
    try:
        _produce(claimed, path, clock)
    except _NotOurs:
        log.info("production_not_ours")
    except _ShuttingDown:
        give_back(claimed, due_at=clock())
        log.info("production_given_back")
    except PodwrightError as error:
        _retry_or_fail(claimed, error, clock)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        _retry_or_fail(claimed, StorageFull(f"The audio cannot be written: {reason}."), clock)
    except Exception:
        # A bug must neither stop the worker nor run for ever: the attempt is counted.
        log.exception("production_broke")
        _retry_or_fail(claimed, _broke(), clock)
    finally:
        path.unlink(missing_ok=True)


def _produce(claimed: Claim, path: Path, clock: Clock) -> None:
    production = claimed.production
    script = Script.from_json(production.script)
    beat = _Beat(claimed, total=production.sentences_total, clock=clock)
    audio = assemble(
        script,
        renderer=Renderer(catalog=voice_catalog(), pool=renderers(), speed=production.speed),
        path=path,
        watcher=Watcher(check=beat.check, progress=beat.progress),
        speed=production.speed,
    )
    beat.enter(Phase.FINISHING)
    # Slow uploads: there is nothing in them that could call `check`.
    with lease_kept_up(lambda: renew(claimed, now=clock()), every=BEAT_SECONDS):
        stored = store_production(production.episode, script, audio, now=clock())
    if not _attach(claimed, stored, audio, now=clock()):
        for key in stored.keys:
            delete_stored(key)
        raise _NotOurs
    log.info(
        "production_complete",
        sentences=production.sentences_total,
        rendered=audio.rendered,
        seconds=round(audio.duration, 1),
        loudness=round(audio.loudness, 2),
        passes=audio.passes,
    )


def _attach(
    claimed: Claim, stored: StoredProduction, audio: AssembledAudio, *, now: datetime
) -> bool:
    """Everything at once: audio, documents, chapters, publication, and the row's end."""
    with transaction.atomic(durable=True):
        # Whether the production is still ours is decided by its conditional update.
        attached = attach_production(
            episode_id=claimed.production.episode_id,
            produced=stored.produced,
            publish=claimed.production.publish_on_complete,
            now=now,
        )
        ours = attached and complete(claimed, rendered=audio.rendered, now=now)
        if not ours:
            transaction.set_rollback(True)
        return ours


class _Beat:
    """Stores progress and renews the lease, at most every BEAT_SECONDS."""

    def __init__(self, claimed: Claim, *, total: int, clock: Clock) -> None:
        self._claimed = claimed
        self._total = total
        self._clock = clock
        self._done = 0
        self._began = self._last = time.monotonic()

    def progress(self, done: int) -> None:
        self._done = min(done, self._total)

    def check(self) -> None:
        if time.monotonic() - self._last >= BEAT_SECONDS:
            self._store(sentences_done=self._done, seconds_left=self._seconds_left())
        elif _shutting_down.is_set():
            raise _ShuttingDown

    def enter(self, phase: Phase) -> None:
        self._store(phase=phase, sentences_done=self._done)

    def _store(self, **progress: object) -> None:
        if _shutting_down.is_set():
            raise _ShuttingDown
        self._last = time.monotonic()
        if not renew(self._claimed, now=self._clock(), **progress):
            raise _NotOurs

    def _seconds_left(self) -> int | None:
        if not self._done:
            return None
        spent = time.monotonic() - self._began
        return round(spent * (self._total - self._done) / self._done)


def work_folder() -> Path:
    """Where unfinished files lie; what a killed worker left there is swept."""
    folder = Path(settings.DATA_DIR) / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _retry_or_fail(claimed: Claim, error: PodwrightError, clock: Clock) -> None:
    attempt = claimed.production.attempts
    if isinstance(error, Upstream) and attempt <= len(RETRY_AFTER):
        give_back(claimed, due_at=clock() + RETRY_AFTER[attempt - 1], error=error)
        log.warning("production_retried_later", code=error.code, attempt=attempt)
    else:
        fail(claimed, error, now=clock())
        log.warning("production_failed", code=error.code)


def _broke() -> ProductionBroke:
    return ProductionBroke("The audio could not be made: the work broke off several times.")
