"""What one renderer does with one sentence, in a process of its own or, for remote engines, a thread."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.parent import end_with_parent
from production.sentence_cache import SentenceCache, StorageFull
from production.trimming import prepare_speech
from production.voices.base import EngineUnavailable, SentenceUnspeakable, VoiceEngine, VoiceUnknown
from production.voices.engines import EngineOptions, make_engine

#: Listeners come first: renderers take the processor time that the web server leaves.
NICENESS = 5


@dataclass(frozen=True, slots=True)
class SentenceJob:
    """One sentence to render into the cache under `key`."""

    key: str
    spoken: str
    voice: str
    engine: str
    speed: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended; plain text, because exceptions with keywords do not survive pickling."""

    problem: str = ""
    message: str = ""


UNSPEAKABLE = "unspeakable"
UNAVAILABLE = "unavailable"
STORAGE = "storage"
DONE = Outcome()


def render_job(job: SentenceJob, *, engine: VoiceEngine, cache: SentenceCache) -> Outcome:
    """Render one sentence and keep it; every failure comes back as an Outcome."""
    try:
        speech = engine.render(job.spoken, voice=job.voice, speed=job.speed)
        prepared = prepare_speech(speech, spoken=job.spoken, speed=job.speed)
        cache.store(job.key, prepared.samples, prepared.words)
    except SentenceUnspeakable as error:
        return Outcome(UNSPEAKABLE, error.reason)
    except (StorageFull, EngineUnavailable, VoiceUnknown) as error:
        return Outcome(STORAGE if isinstance(error, StorageFull) else UNAVAILABLE, error.message)
    # Engines are foreign code, and what they may raise is unknown: one sentence must not end the pool.
    except Exception as error:  # noqa: BLE001
        what = (
            "out of memory"
            if isinstance(error, MemoryError)
            else f"{type(error).__name__}: {error}"
        )
        return Outcome(UNAVAILABLE, f"The voice engine failed: {what}"[:300])
    return DONE


@dataclass(slots=True)
class _Process:
    """What a renderer process holds between sentences."""

    options: EngineOptions
    cache: SentenceCache
    engines: dict[str, VoiceEngine]


_process: list[_Process] = []


def start_process(options: EngineOptions, cache_directory: Path, parent: int) -> None:
    """Prepare this process; it ends by itself when its parent has died."""
    end_with_parent(always=True)
    if os.getppid() != parent:
        os._exit(1)  # the parent died before the watch began
    os.nice(NICENESS)
    _process[:] = [_Process(options, SentenceCache(cache_directory), {})]


def render_in_process(job: SentenceJob) -> Outcome:
    """Render with this process's own engine, made at its first sentence."""
    here = _process[0]
    try:
        if job.engine not in here.engines:
            here.engines[job.engine] = make_engine(job.engine, here.options)
    except EngineUnavailable as error:
        return Outcome(UNAVAILABLE, error.message)
    return render_job(job, engine=here.engines[job.engine], cache=here.cache)
