"""Starting, cancelling and retrying productions, and the leases by which workers hold them.

Locks are taken in the order quota, show, episode, production, like everywhere.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.models import Account
from billing.services import lock_quota, use_episode
from core.errors import Conflict, NotFound, PodwrightError
from core.queue import enqueue
from episodes.locking import lock_episode
from episodes.models import Episode
from episodes.services import fail_production as fail_episode
from episodes.services import set_production_state
from episodes.states import ProductionState
from production.models import Production
from production.querysets import ProductionQuerySet
from production.script import Script
from production.states import Phase, State
from production.voices.registry import voice_catalog

#: A worker renews its lease every few seconds; one that died is found out after this.
LEASE = timedelta(seconds=30)
#: How long to wait after each failure that may pass (a voice server or a disk that is full).
RETRY_AFTER = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
#: Runs that ended without a word, by kill or crash: something in the script may be the cause.
MAX_ATTEMPTS = 10
CANCELLED_TEXT = "Cancelled before it was complete."


class ProductionNotFound(NotFound):
    """No such production in this account."""

    code = "production_not_found"


class ProductionRunning(Conflict):
    """The production is still waiting or running; cancel it first."""

    code = "production_running"


class ProductionFinished(Conflict):
    """The production has ended already."""

    code = "production_finished"


@dataclass(frozen=True, slots=True)
class Claim:
    """A production that this worker holds until it ends the lease."""

    production: Production
    lease: uuid.UUID


def start_production(
    *,
    episode: Episode,
    script: Script,
    voice: str,
    speed: float = 1.0,
    publish_on_complete: bool,
    now: datetime,
    on_end: str = "",
) -> Production:
    """Queue the making of `episode`'s audio; demands an open transaction.

    `on_end` names a task that is rung with `episode_id` once the production has ended; like every
    bell it may be lost, so whoever waits has a sweep.

    A production that ended before is replaced, its rendered sentences stay in the cache.
    Raises `ScriptInvalid`, `voices.base.VoiceUnknown`, `ProductionRunning`.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            "A production starts with its script's change."
        )
    script.validate()
    catalog = voice_catalog()
    for name in script.voices():
        catalog.voice(name)
    earlier = Production.objects.select_for_update().filter(episode=episode).first()
    if earlier is not None:
        if earlier.state in {State.WAITING, State.RUNNING}:
            raise ProductionRunning("This episode is being produced; cancel that first.")
        earlier.delete()
    production = Production.objects.create(
        episode=episode,
        script=script.to_json(),
        voice=voice,
        speed=speed,
        publish_on_complete=publish_on_complete,
        on_end=on_end,
        sentences_total=script.sentence_count(),
        due_at=now,
        created_at=now,
    )
    enqueue("production.run", production_id=production.pk)
    return production


def cancel_production(*, account: Account, episode_id: int, now: datetime) -> None:
    """Stop a waiting or running production; its worker notices within seconds.

    Raises `ProductionNotFound`, `ProductionFinished`.
    """
    with transaction.atomic(durable=True):
        lock_quota(account)
        production = _locked(account=account, episode_id=episode_id)
        if production.state not in {State.WAITING, State.RUNNING}:
            raise ProductionFinished("The production has ended already.")
        _end(production, State.CANCELLED, now=now)
        fail_episode(episode_id=episode_id, reason=CANCELLED_TEXT, now=now)
        _ring_end(production)


def retry_production(*, account: Account, episode_id: int, now: datetime) -> None:
    """Queue a failed or cancelled production again; sentences already rendered are not rendered again.

    Raises `ProductionNotFound`, `ProductionRunning`, `ProductionFinished` (it is complete),
    `billing.EpisodeQuotaExceeded`.
    """
    with transaction.atomic(durable=True):
        lock_quota(account)
        production = _locked(account=account, episode_id=episode_id)
        if production.state in {State.WAITING, State.RUNNING}:
            raise ProductionRunning("The production is under way already.")
        if production.state == State.COMPLETE:
            raise ProductionFinished("The production is complete.")
        use_episode(account=account, reference=str(production.episode.guid), now=now)
        _end(production, State.WAITING, now=None, attempts=0, due_at=now, sentences_done=0)
        Episode.objects.filter(pk=episode_id).update(error_message="")
        set_production_state(episode_id=episode_id, state=ProductionState.PENDING, now=now)
        enqueue("production.run", production_id=production.pk)


def claim(*, production_id: int, now: datetime) -> Claim | None:
    """Take a production that waits or was abandoned; None when another worker was faster."""
    episode_id = _episode_of(production_id)
    with transaction.atomic(durable=True):
        if episode_id is None or not lock_episode(episode_id=episode_id):
            return None
        lease = Production.objects.filter(pk=production_id).claim(
            now=now,
            lasting=LEASE,
            state=State.RUNNING,
            phase=Phase.RENDERING,
            sentences_done=0,
            seconds_left=None,
            started_at=now,
        )
        if lease is None:
            return None
        production = Production.objects.select_related("episode__show__account").get(
            pk=production_id
        )
        set_production_state(episode_id=episode_id, state=ProductionState.PROCESSING, now=now)
    return Claim(production=production, lease=lease)


def renew(claimed: Claim, *, now: datetime, **progress: object) -> bool:
    """Prolong the lease and store progress; False when the production is not ours any more."""
    return _held(claimed).renew(now=now, lasting=LEASE, **progress)


def give_back(claimed: Claim, *, due_at: datetime, error: PodwrightError | None = None) -> None:
    """Put the production back into the queue, to be run from `due_at` on.

    A run that ends without an `error` was only interrupted: it does not count as an attempt.
    """
    _held(claimed).release(
        attempts=F("attempts") - (0 if error else 1),
        state=State.WAITING,
        phase=Phase.NONE,
        due_at=due_at,
        error_code=error.code if error else "",
        error_message=error.message if error else "",
    )


def complete(claimed: Claim, *, rendered: int, now: datetime) -> bool:
    """Mark as complete; demands the transaction that attaches the audio. False: not ours any more."""
    _ring_end(claimed.production)
    return bool(
        _held(claimed).release(
            state=State.COMPLETE,
            phase=Phase.NONE,
            sentences_done=F("sentences_total"),
            sentences_rendered=rendered,
            seconds_left=0,
            error_code="",
            error_message="",
            finished_at=now,
        )
    )


def fail(claimed: Claim, error: PodwrightError, *, now: datetime) -> None:
    """End the production and its episode with the reason, unless it is not ours any more."""
    with transaction.atomic(durable=True):
        fail_episode(episode_id=claimed.production.episode_id, reason=error.message, now=now)
        ended = _held(claimed).release(
            state=State.FAILED,
            phase=Phase.NONE,
            seconds_left=None,
            error_code=error.code,
            error_message=error.message,
            finished_at=now,
        )
        if not ended:
            transaction.set_rollback(True)
        _ring_end(claimed.production)


def due_productions(*, now: datetime, limit: int) -> list[int]:
    """Ids of what can be run now, longest waiting first."""
    return Production.objects.claimable_ids(now=now, limit=limit)


def _episode_of(production_id: int) -> int | None:
    found = Production.objects.filter(pk=production_id)
    return found.values_list("episode_id", flat=True).first()


def _held(claimed: Claim) -> ProductionQuerySet:
    return Production.objects.held(pk=claimed.production.pk, lease=claimed.lease)


def _locked(*, account: Account, episode_id: int) -> Production:
    lock_episode(episode_id=episode_id)
    production = (
        Production.objects.select_for_update(of=("self",))
        .select_related("episode")
        .filter(episode_id=episode_id, episode__show__account=account)
        .first()
    )
    if production is None:
        raise ProductionNotFound("No production for this episode")
    return production


def _ring_end(production: Production) -> None:
    """Ring after the commit; where that is rolled back nothing is rung."""
    if production.on_end:
        enqueue(production.on_end, episode_id=production.episode_id)


def _end(production: Production, state: State, *, now: datetime | None, **changes: object) -> None:
    Production.objects.filter(pk=production.pk).release(
        state=state,
        phase=Phase.NONE,
        seconds_left=None,
        error_code="",
        error_message="",
        finished_at=now,
        **changes,
    )
