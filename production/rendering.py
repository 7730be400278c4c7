"""Renders the sentences of a script in parallel, unless they are cached, and yields them in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice

from production.render_pool import RenderPool, Ticket
from production.renderer_process import (
    DONE,
    STORAGE,
    UNSPEAKABLE,
    Outcome,
    SentenceJob,
)
from production.script import PlacedSentence
from production.sentence_cache import CachedSentence, StorageFull, sentence_key
from production.voices.base import EngineUnavailable, SentenceUnspeakable, VoiceEngine
from production.voices.registry import VoiceCatalog

#: How often the caller's `check` runs while a sentence takes long, in seconds.
CHECK_EVERY_SECONDS = 1.0
#: Longer than a remote engine with all its retries; a local engine needs a few seconds at most.
STUCK_SECONDS = 360.0
#: A sentence is tried this often when renderer processes die under it.
TRIES = 3


@dataclass(frozen=True, slots=True, eq=False)
class RenderedSentence:
    """A sentence with its speech; `cached` tells that nothing had to be rendered for it."""

    placed: PlacedSentence
    speech: CachedSentence
    cached: bool


@dataclass(slots=True)
class _Started:
    placed: PlacedSentence
    job: SentenceJob
    engine: VoiceEngine
    ticket: Ticket | None
    tries: int = 1


class Renderer:
    """Renders sentences with one catalogue of voices, through one pool, at one speed."""

    def __init__(
        self, *, catalog: VoiceCatalog, pool: RenderPool, speed: float = 1.0, lexicon: str = ""
    ) -> None:
        self._catalog = catalog
        self._pool = pool
        self._speed = speed
        self._lexicon = lexicon
        self._voices: dict[str, tuple[VoiceEngine, str]] = {}

    def render(
        self, sentences: Iterable[PlacedSentence], *, check: Callable[[], None]
    ) -> Iterator[RenderedSentence]:
        """Yield every sentence in order, with a bounded number under way from the call on.

        Only a few sentences more than there are renderers wait in the pool, so that productions
        which run at the same time take turns. `check` is called between sentences and at least
        once a second; what it raises ends the rendering. Raises SentenceUnspeakable (naming the
        sentence), VoiceUnknown, EngineUnavailable, StorageFull.
        """
        waiting = iter(sentences)
        under_way: deque[_Started] = deque()
        self._fill(under_way, waiting)
        return self._in_order(under_way, waiting, check)

    def is_cached(self, placed: PlacedSentence) -> bool:
        """Whether the sentence has been spoken before, on this machine. Raises VoiceUnknown."""
        return self._pool.cache.has(self._job(placed).key)

    def _in_order(
        self,
        under_way: deque[_Started],
        waiting: Iterator[PlacedSentence],
        check: Callable[[], None],
    ) -> Iterator[RenderedSentence]:
        try:
            while under_way:
                check()
                yield self._finished(under_way.popleft(), check)
                self._fill(under_way, waiting)
        finally:
            for started in under_way:
                if started.ticket is not None:
                    started.ticket.future.cancel()

    def _fill(self, under_way: deque[_Started], waiting: Iterator[PlacedSentence]) -> None:
        room = max(1, self._window(under_way) - len(under_way))
        under_way.extend(self._start(placed) for placed in islice(waiting, room))

    def _window(self, under_way: deque[_Started]) -> int:
        width = max((self._pool.width(started.engine) for started in under_way), default=1)
        return 2 * max(width, self._pool.workers) + 2

    def _start(self, placed: PlacedSentence) -> _Started:
        job = self._job(placed)
        engine, _fingerprint = self._engine(placed.voice)
        cached = self._pool.cache.has(job.key)
        return _Started(placed, job, engine, None if cached else self._pool.submit(job, engine))

    def _job(self, placed: PlacedSentence) -> SentenceJob:
        engine, fingerprint = self._engine(placed.voice)
        spoken = placed.sentence.spoken
        return SentenceJob(
            key=sentence_key(
                spoken=spoken,
                voice=placed.voice,
                fingerprint=fingerprint,
                speed=self._speed,
                lexicon=self._lexicon,
            ),
            spoken=spoken,
            voice=placed.voice,
            engine=engine.name,
            speed=self._speed,
        )

    def _engine(self, voice: str) -> tuple[VoiceEngine, str]:
        if voice not in self._voices:
            engine = self._catalog.engine_of(voice)
            self._voices[voice] = (engine, engine.fingerprint(voice))
        return self._voices[voice]

    def _finished(self, started: _Started, check: Callable[[], None]) -> RenderedSentence:
        while True:
            cached = started.ticket is None
            if started.ticket is not None:
                self._require_done(started, self._outcome(started, check))
            speech = self._pool.cache.load(started.job.key)
            if speech is not None:
                return RenderedSentence(started.placed, speech, cached)
            # Damaged, or swept away since: render it again, but not for ever.
            self._try_again(started, "its rendered speech cannot be read back")

    def _outcome(self, started: _Started, check: Callable[[], None]) -> Outcome:
        waited = 0.0
        while True:
            ticket = started.ticket
            if ticket is None:
                return DONE
            try:
                return ticket.future.result(timeout=CHECK_EVERY_SECONDS)
            except TimeoutError:
                check()
                # A sentence in the queue is not stuck: whoever waits for the ones before it finds out.
                waited += CHECK_EVERY_SECONDS if ticket.future.running() else 0.0
                if waited >= STUCK_SECONDS:
                    waited = 0.0
                    self._pool.replace(ticket.executor, kill=True)
                    self._try_again(started, "its renderer did not answer")
            except (BrokenProcessPool, CancelledError):
                check()
                self._pool.replace(ticket.executor)
                self._try_again(started, "its renderer died")

    def _try_again(self, started: _Started, why: str) -> None:
        if started.tries >= TRIES:
            number = started.placed.index + 1
            raise EngineUnavailable(f"Sentence {number} was not rendered: {why}.")
        started.tries += 1
        started.ticket = self._pool.submit(started.job, started.engine)

    def _require_done(self, started: _Started, outcome: Outcome) -> None:
        if outcome.problem == UNSPEAKABLE:
            raise SentenceUnspeakable(
                started.placed.sentence.text, reason=outcome.message, index=started.placed.index
            )
        if outcome.problem == STORAGE:
            raise StorageFull(outcome.message)
        if outcome.problem:
            raise EngineUnavailable(outcome.message)
