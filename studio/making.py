"""Makes one episode's script, from claim to the production that takes over; safe to be killed anywhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F

from accounts.models import Account
from billing.services import lock_quota
from core.errors import PodwrightError, Upstream
from core.lease_beats import lease_kept_up
from core.queue import enqueue
from episodes.locking import lock_episode
from episodes.services import (
    describe_produced_episode,
    fail_production,
    set_production_state,
)
from episodes.states import ProductionState
from production.measuring import measure
from production.rendering import Renderer
from production.running import renderers
from production.script import Script
from production.services import start_production
from production.states import State
from production.voices.registry import voice_catalog
from studio.generating import end_generation, speakers_of, tell
from studio.grounding import Ungrounded, find_ungrounded, with_passages
from studio.hosts import hosts_in_order
from studio.limits import EPISODES_AT_ONCE
from studio.material import materials_of
from studio.models import Generation, Source
from studio.querysets import GenerationQuerySet
from studio.scripting import notes_of, script_of
from studio.states import GenerationState, Phase
from studio.writers.base import Draft, Material, Outline, ScriptRequest, WriterUseless, Written
from studio.writers.lengths import refitted_draft
from studio.writers.registry import configured_writer
from webhooks.event_types import EventType

log = structlog.get_logger(__name__)

#: Renewed by a thread all the time; a worker that died is found out after it.
LEASE = timedelta(seconds=30)
BEAT_SECONDS = 5.0
#: Scripts that one worker process writes side by side; most of the time they wait for a model.
SIDE_BY_SIDE = 6
#: How long to wait after each failure that may pass.
RETRY_AFTER = (timedelta(seconds=10), timedelta(minutes=1))
#: Runs that ended without a word, by kill or crash.
MAX_ATTEMPTS = 6
#: A script may be so much shorter or longer than was asked for.
TOLERANCE = 0.15
#: How often sentences are then left out or added without asking the writer.
REFITS = 3
#: Who wrote a script that was sent or edited: its length is as it was meant.
OWNER = "owner"
PRODUCTION_ENDED = "studio.production_ended"

_slots = threading.BoundedSemaphore(SIDE_BY_SIDE)
_shutting_down = threading.Event()

Clock = Callable[[], datetime]

_STATE_AFTER = {
    State.COMPLETE: GenerationState.COMPLETE,
    State.FAILED: GenerationState.FAILED,
    State.CANCELLED: GenerationState.CANCELLED,
}
_EVENT_AFTER = {
    State.COMPLETE: EventType.EPISODE_GENERATED,
    State.FAILED: EventType.EPISODE_FAILED,
    State.CANCELLED: EventType.EPISODE_CANCELLED,
}


class GeneratingBroke(Upstream):
    """The work was begun several times and never came to an end."""

    code = "generating_broke"


class _NotOurs(Exception):
    """Cancelled, deleted, or taken over by another worker."""


class _ShuttingDown(Exception):
    """This worker is about to end."""


def make_episode(*, generation_id: int, clock: Clock) -> bool:
    """Write the script and hand it to production, if it can be claimed; True when this call did it.

    With all slots taken, or five of the account at work, it stays in the queue: whatever ends rings
    for the next.
    """
    if not _slots.acquire(blocking=False):
        return False
    try:
        generation = _claim(generation_id, now=clock())
        if generation is None:
            return False
        with structlog.contextvars.bound_contextvars(generation=generation_id):
            _run(generation, clock)
    finally:
        _slots.release()
    ring_for_next(now=clock(), limit=1)
    return True


def follow_production(*, episode_id: int, now: datetime) -> bool:
    """Take over how the production ended; True when this call did it. Safe to call twice."""
    found = Generation.objects.filter(
        episode_id=episode_id,
        state=GenerationState.PRODUCING,
        episode__production__state__in=list(_STATE_AFTER),
    )
    generation = found.select_related("episode__production", "account").first()
    if generation is None:
        return False
    with transaction.atomic(durable=True):
        lock_quota(generation.account)
        if not lock_episode(episode_id=episode_id):
            return False
        ended = State(generation.episode.production.state)
        moved = end_generation(
            Generation.objects.filter(pk=generation.pk, state=GenerationState.PRODUCING),
            _STATE_AFTER[ended],
            now=now,
            error_code=generation.episode.production.error_code,
        )
        if moved:
            tell(episode_id, _EVENT_AFTER[ended], now=now)
    ring_for_next(now=now, limit=EPISODES_AT_ONCE)
    return bool(moved)


def ring_for_next(*, now: datetime, limit: int) -> None:
    """Ring for what waits, and for what has ended while nobody heard the bell."""
    for generation_id in due_generations(now=now, limit=limit):
        enqueue("studio.generate", generation_id=generation_id)


def due_generations(*, now: datetime, limit: int) -> list[int]:
    """Ids of what can be worked on, longest waiting first."""
    return Generation.objects.claimable_ids(now=now, limit=limit)


def ended_productions(*, limit: int = 500) -> list[int]:
    """Ids of episodes whose production has ended, and whose generation does not know yet."""
    found = Generation.objects.filter(
        state=GenerationState.PRODUCING, episode__production__state__in=list(_STATE_AFTER)
    )
    return list(found.values_list("episode_id", flat=True)[:limit])


def shut_down() -> None:
    """Make every run of this process give its generation back at its next check."""
    _shutting_down.set()


def request_for(generation: Generation) -> ScriptRequest:
    """What the writer is asked; needs `episode__show`."""
    sources = sources_in_order(generation)
    return ScriptRequest(
        prompt=generation.prompt,
        outline=Outline.model_validate(generation.outline)
        if generation.outline
        else _given_outline(generation),
        materials=materials_of(sources, prompt=generation.prompt),
        speakers=speakers_of(hosts_in_order(generation.host_ids)),
        language=generation.language,
        seconds=float(generation.target_seconds),
        podcast_title=generation.episode.show.title,
    )


def sources_in_order(generation: Generation) -> list[Source]:
    """The generation's sources as they were named; deleted ones are missing."""
    between = Generation.sources.through.objects.filter(generation=generation).order_by("pk")
    by_id = generation.sources.in_bulk()
    return [by_id[pk] for pk in between.values_list("source_id", flat=True) if pk in by_id]


def _given_outline(generation: Generation) -> Outline | None:
    """A title that was given decides what a model writes about; other writers take it as it is."""
    return Outline(title=generation.episode.title) if generation.keep_title else None


def _claim(generation_id: int, *, now: datetime) -> Generation | None:
    waiting = Generation.objects.claimable(now=now).filter(pk=generation_id)
    row = waiting.values_list("account_id", "episode_id").first()
    if row is None:
        return None
    account_id, episode_id = row
    with transaction.atomic(durable=True):
        # The lock makes the count below exact, however many workers come at once.
        lock_quota(Account.objects.get(pk=account_id))
        if not lock_episode(episode_id=episode_id):
            return None
        others = Generation.objects.filter(account=account_id).exclude(pk=generation_id)
        if others.worked_on(Account(pk=account_id)).count() >= EPISODES_AT_ONCE:
            return None
        taken = waiting.claim(now=now, lasting=LEASE, state=GenerationState.WRITING, updated_at=now)
        if not taken:
            return None
        set_production_state(episode_id=episode_id, state=ProductionState.PREPARING, now=now)
        return Generation.objects.select_related("episode__show__account", "account").get(
            pk=generation_id
        )


def _run(generation: Generation, clock: Clock) -> None:
    if generation.attempts > MAX_ATTEMPTS:
        _fail(generation, _broke(), now=clock())
        return
    try:
        with _Lease(generation, clock).kept_up() as lease:
            _make(generation, lease, clock)
    except _NotOurs:
        log.info("generation_not_ours")
    except _ShuttingDown:
        _give_back(generation, due_at=clock(), now=clock(), attempts=generation.attempts - 1)
        log.info("generation_given_back")
    except PodwrightError as error:
        _retry_or_fail(generation, error, clock)
    except Exception:
        # A bug must neither stop the worker nor run for ever: the attempt is counted.
        log.exception("generation_broke")
        _retry_or_fail(generation, _broke(), clock)


def _make(generation: Generation, lease: _Lease, clock: Clock) -> None:
    request = request_for(generation)
    if generation.draft:
        draft = Draft.model_validate(generation.draft)
    else:
        lease.enter(Phase.SCRIPT)
        written = configured_writer().write(request, check=lease.check)
        draft = _kept(generation, written, request, lease)
    if generation.writer != OWNER:
        draft = _fitted(generation, draft, request, lease)
    findings = _findings(generation, draft, request.materials)
    if findings and generation.is_strict:
        raise _ungrounded(findings)
    _hand_over(generation, draft, findings, request.materials, now=clock())


def _kept(
    generation: Generation,
    written: Written,
    request: ScriptRequest,
    lease: _Lease,
    *,
    is_adjusted: bool = False,
) -> Draft:
    """Store what was written, so that a successor goes on from here, and give it."""
    draft = with_passages(written.draft, request.materials)
    writer = configured_writer()
    generation.writer, generation.model = writer.name, writer.model[:200]
    lease.store(
        draft=draft.model_dump(mode="json"),
        is_adjusted=is_adjusted,
        writer=generation.writer,
        model=generation.model,
        input_tokens=F("input_tokens") + written.usage.input_tokens,
        output_tokens=F("output_tokens") + written.usage.output_tokens,
    )
    return draft


def _fitted(generation: Generation, draft: Draft, request: ScriptRequest, lease: _Lease) -> Draft:
    """The draft within the tolerance of its length, as far as the sources go, measured in real speech.

    The writer is asked once; what is still too long or too short then loses sentences, or gets some of
    passages that were not used.
    """
    seconds = _spoken_seconds(generation, draft, lease)
    if not _is_near(generation, seconds) and not generation.is_adjusted:
        lease.enter(Phase.LENGTH)
        written = configured_writer().adjust(
            request, draft, measured_seconds=seconds, check=lease.check
        )
        draft = _kept(generation, written, request, lease, is_adjusted=True)
        seconds = _spoken_seconds(generation, draft, lease)
    for _round in range(REFITS):
        if _is_near(generation, seconds):
            break
        refitted = refitted_draft(request, draft, measured_seconds=seconds)
        if refitted == draft:
            break
        draft = refitted
        lease.store(draft=draft.model_dump(mode="json"))
        seconds = _spoken_seconds(generation, draft, lease)
    return draft


def _is_near(generation: Generation, seconds: float) -> bool:
    return abs(seconds / generation.target_seconds - 1) <= TOLERANCE


def _spoken_seconds(generation: Generation, draft: Draft, lease: _Lease) -> float:
    lease.enter(Phase.VOICES)
    script = _script(generation, draft)
    total = script.sentence_count()
    seconds = measure(
        script,
        renderer=Renderer(catalog=voice_catalog(), pool=renderers()),
        check=lease.check,
        progress=lambda done: lease.progress(done * 100 // total),
    )
    lease.store(measured_seconds=round(seconds, 3))
    return seconds


def _script(generation: Generation, draft: Draft) -> Script:
    return script_of(
        draft,
        hosts={host.public_id: host for host in hosts_in_order(generation.host_ids)},
        language=generation.language,
        disclose_aloud=generation.disclose_aloud,
    )


def _findings(
    generation: Generation, draft: Draft, materials: tuple[Material, ...]
) -> list[dict[str, object]]:
    if generation.writer == OWNER and not materials:
        return []
    hosts = hosts_in_order(generation.host_ids)
    facts = [part for host in hosts for part in (host.name, host.title, host.backstory)]
    allowed = [generation.prompt, generation.episode.show.title, *facts]
    if generation.keep_title:
        allowed.append(generation.episode.title)
    return find_ungrounded(draft, materials, allowed=allowed, language=generation.language)


def _ungrounded(findings: list[dict[str, object]]) -> Ungrounded:
    named = ", ".join(f'"{finding["text"]}"' for finding in findings[:5])
    return Ungrounded(
        f"The script has {len(findings)} statement(s) that stand in no source, such as {named}.",
        details={"grounding": findings},
    )


def _hand_over(
    generation: Generation,
    draft: Draft,
    findings: list[dict[str, object]],
    materials: tuple[Material, ...],
    *,
    now: datetime,
) -> None:
    """Start the production, and tell what the episode is about, unless the lease was lost."""
    script = _script(generation, draft)
    episode = generation.episode
    with transaction.atomic(durable=True):
        lock_quota(generation.account)
        if not lock_episode(episode_id=episode.pk):
            return
        moved = end_generation(
            _held(generation),
            GenerationState.PRODUCING,
            now=now,
            grounding=findings,
            has_title=True,
            error_code="",
        )
        if not moved:
            return
        if episode.asset_id is None:
            describe_produced_episode(
                episode_id=episode.pk,
                title=episode.title if generation.keep_title else draft.title,
                author=episode.author,
                description=notes_of(
                    draft.description,
                    materials,
                    writer=generation.writer,
                    disclose=generation.disclose_in_notes,
                ),
                now=now,
            )
        set_production_state(episode_id=episode.pk, state=ProductionState.PENDING, now=now)
        start_production(
            episode=episode,
            script=script,
            voice=script.voices()[0],
            publish_on_complete=False,
            on_end=PRODUCTION_ENDED,
            now=now,
        )


def _retry_or_fail(generation: Generation, error: PodwrightError, clock: Clock) -> None:
    may_pass = isinstance(error, Upstream) and not isinstance(error, WriterUseless)
    if may_pass and generation.attempts <= len(RETRY_AFTER):
        due_at = clock() + RETRY_AFTER[generation.attempts - 1]
        _give_back(generation, due_at=due_at, now=clock(), error_code=error.code)
        log.warning("generation_retried_later", code=error.code)
    else:
        _fail(generation, error, now=clock())
        log.warning("generation_failed", code=error.code)


def _give_back(
    generation: Generation, *, due_at: datetime, now: datetime, **changes: object
) -> None:
    with transaction.atomic(durable=True):
        end_generation(_held(generation), GenerationState.QUEUED, now=now, due_at=due_at, **changes)


def _fail(generation: Generation, error: PodwrightError, *, now: datetime) -> None:
    """End the generation and its episode with the reason, unless it is not ours any more."""
    findings = error.details.get("grounding", [])
    with transaction.atomic(durable=True):
        lock_quota(generation.account)
        if not lock_episode(episode_id=generation.episode_id):
            return
        failed = end_generation(
            _held(generation),
            GenerationState.FAILED,
            now=now,
            error_code=error.code,
            grounding=findings,
        )
        if failed:
            fail_production(episode_id=generation.episode_id, reason=error.message, now=now)
            tell(generation.episode_id, EventType.EPISODE_FAILED, now=now)


def _held(generation: Generation) -> GenerationQuerySet:
    return Generation.objects.held(pk=generation.pk, lease=generation.lease)


def _broke() -> GeneratingBroke:
    return GeneratingBroke("The episode could not be written: the work broke off several times.")


class _Lease:
    """Keeps the row ours from a thread, stores progress, and ends the work once it is not."""

    def __init__(self, generation: Generation, clock: Clock) -> None:
        self._generation = generation
        self._clock = clock
        self._lost = threading.Event()
        self._percent = 0

    def check(self) -> None:
        """Raise when the row is not ours any more, or this worker ends."""
        if self._lost.is_set():
            raise _NotOurs
        if _shutting_down.is_set():
            raise _ShuttingDown

    def progress(self, percent: int) -> None:
        """How much of the phase is done; stored with the next beat."""
        self._percent = percent

    def enter(self, phase: Phase) -> None:
        """Begin a phase."""
        self._percent = 0
        self.store(phase=phase, percent=0)

    def store(self, **changes: object) -> None:
        """Write to the row; raises `_NotOurs`."""
        self.check()
        now = self._clock()
        held = _held(self._generation)
        if not held.renew(now=now, lasting=LEASE, updated_at=now, **changes):
            raise _NotOurs

    @contextmanager
    def kept_up(self) -> Iterator[_Lease]:
        """Renew the lease until the block ends."""
        with lease_kept_up(self._beat, every=BEAT_SECONDS):
            yield self

    def _beat(self) -> bool:
        percent = min(self._percent, 100)
        held = _held(self._generation)
        is_ours = held.renew(now=self._clock(), lasting=LEASE, percent=percent)
        if not is_ours:
            self._lost.set()
        return is_ours
