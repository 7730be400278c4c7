"""Accepting requests to generate, and what owners do with generations: cancel, retry.

Locks are taken in the order quota, show, episode, generation, like everywhere.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.text import Truncator

from accounts.models import Account
from billing.services import lock_quota, use_episode
from core.errors import Invalid
from core.queue import enqueue
from episodes.events import record_episode_event
from episodes.locking import lock_episode
from episodes.models import Episode
from episodes.services import (
    create_produced_episode,
    fail_production,
    set_production_state,
)
from episodes.states import ProductionState
from production.services import ProductionFinished, ProductionNotFound, cancel_production
from production.voices.base import primary_language
from shows.models import Show
from studio.episodes import WrongStatus, generation_of, get_episode
from studio.hosts import require_hosts, require_language
from studio.limits import MINUTE, require_room
from studio.material import materials_of
from studio.models import Generation, GenerationRequest, Host, Source, StudioPodcast
from studio.podcasts import PodcastDraft, PodcastNotFound, add_podcast, get_podcast
from studio.querysets import GenerationQuerySet
from studio.sources import require_sources
from studio.states import UNDER_WAY, GenerationState
from studio.writers.base import Material, Outline, PlanRequest, SeriesPlan, Speaker
from studio.writers.registry import configured_writer
from webhooks.event_types import EventType

MAX_EPISODES = 8
#: Seconds of speech (contracts/jellypod.md section 3).
LENGTHS = {"short": 360, "medium": 600, "long": 1_080}
DEFAULT_LENGTH = "medium"
DEFAULT_LANGUAGE = "en"
#: Longer than a plan takes; what was killed while planning leaves only this row, which then goes.
PLAN_LEASE = timedelta(minutes=5)
CANCELLED = "Cancelled before it was complete."
_PLACEHOLDER = "Untitled episode"


class PromptMissing(Invalid):
    """There is neither a prompt nor a source."""

    code = "prompt_missing"


@dataclass(frozen=True, slots=True)
class Options:
    """How to generate, already validated."""

    seconds: int = LENGTHS[DEFAULT_LENGTH]
    is_strict: bool = False
    disclose_in_notes: bool = True
    disclose_aloud: bool = False


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """What a new podcast is to be generated from; "" where nothing was said."""

    podcast: PodcastDraft
    prompt: str
    source_ids: Sequence[uuid.UUID]
    episodes: int
    options: Options


@dataclass(frozen=True, slots=True)
class EpisodeRequest:
    """What one more episode is to be generated from; no `host_ids` means the podcast's."""

    prompt: str
    host_ids: Sequence[str]
    source_ids: Sequence[uuid.UUID]
    title: str
    options: Options


@dataclass(frozen=True, slots=True)
class Planned:
    """A podcast that was planned, with its episodes, of which none has audio yet."""

    podcast: StudioPodcast
    episodes: list[Episode]


def generate_series(*, account: Account, request: SeriesRequest, now: datetime) -> Planned:
    """Plan a series now and leave its episodes to workers.

    Raises `PromptMissing`, the refusals of `hosts.require_hosts`, `sources.require_sources`,
    `hosts.require_language`, `limits.require_room` and of the writer, `billing.ShowQuotaExceeded`.
    """
    hosts = require_hosts(account=account, host_ids=request.podcast.host_ids)
    sources = require_sources(account=account, source_ids=request.source_ids)
    _require_subject(request.prompt, sources)
    materials = materials_of(sources, prompt=request.prompt)
    language = request.podcast.language or _language_of(materials)
    require_language(hosts, language=language)
    writer = configured_writer()
    writer.require_enough(prompt=request.prompt, materials=materials, episodes=request.episodes)
    reservation = _reserve(account, episodes=request.episodes, now=now)
    try:
        plan = writer.plan(
            PlanRequest(
                prompt=request.prompt,
                materials=materials,
                speakers=speakers_of(hosts),
                language=language,
                episodes=request.episodes,
                title=request.podcast.title,
                description=request.podcast.description or "",
            ),
            check=lambda: None,
        )
        return _store_series(
            account,
            request,
            plan,
            language=language,
            sources=sources,
            reservation=reservation,
            now=now,
        )
    except BaseException:
        # Nothing has been made, so nothing is charged.
        GenerationRequest.objects.filter(pk=reservation.pk, is_planning=True).delete()
        raise


def generate_episode(
    *, account: Account, podcast_id: uuid.UUID, request: EpisodeRequest, now: datetime
) -> Episode:
    """Queue one more episode; all work is left to workers.

    Raises `PodcastNotFound` and what `generate_series` raises.
    """
    podcast = get_podcast(account=account, podcast_id=podcast_id)
    hosts = require_hosts(account=account, host_ids=request.host_ids or podcast.host_ids)
    require_language(hosts, language=podcast.show.language)
    sources = require_sources(account=account, source_ids=request.source_ids)
    _require_subject(request.prompt, sources)
    configured_writer().require_enough(
        prompt=request.prompt,
        materials=materials_of(sources, prompt=request.prompt),
        episodes=1,
    )
    with transaction.atomic(durable=True):
        lock_quota(account)
        require_room(account=account, episodes=1, now=now)
        show = locked_show(account=account, show_id=podcast.show_id)
        note_request(account, episodes=1, now=now)
        generation = add_generation(
            account=account,
            show=show,
            title=request.title,
            fields={
                "prompt": request.prompt,
                "host_ids": [host.public_id for host in hosts],
                "language": show.language,
                "keep_title": bool(request.title),
            },
            options=request.options,
            sources=sources,
            now=now,
        )
    return get_episode(account=account, episode_id=generation.episode.uuid)


def cancel_generation(*, account: Account, episode_id: uuid.UUID, now: datetime) -> Episode:
    """End a generation that is under way; its worker notices within seconds.

    Raises `EpisodeNotFound`, `WrongStatus`.
    """
    episode = get_episode(account=account, episode_id=episode_id)
    generation = generation_of(episode)
    if generation is None or generation.state not in UNDER_WAY:
        raise WrongStatus("Only an episode that is being generated can be cancelled.")
    with transaction.atomic(durable=True):
        lock_quota(account)
        lock_episode(episode_id=episode.pk)
        ended = end_generation(
            Generation.objects.filter(
                episode=episode, state__in=[GenerationState.QUEUED, GenerationState.WRITING]
            ),
            GenerationState.CANCELLED,
            now=now,
        )
        if ended:
            fail_production(episode_id=episode.pk, reason=CANCELLED, now=now)
            tell(episode.pk, EventType.EPISODE_CANCELLED, now=now)
            enqueue("studio.sweep")
    if not ended:
        try:
            cancel_production(account=account, episode_id=episode.pk, now=now)
        except (ProductionNotFound, ProductionFinished):
            raise WrongStatus("The episode is complete already.") from None
    return get_episode(account=account, episode_id=episode_id)


def retry_generation(*, account: Account, episode_id: uuid.UUID, now: datetime) -> Episode:
    """Queue a failed or cancelled generation again; what was written and spoken is used again.

    Raises `EpisodeNotFound`, `WrongStatus`, and the refusals of `limits.require_room`.
    """
    episode = get_episode(account=account, episode_id=episode_id)
    with transaction.atomic(durable=True):
        lock_quota(account)
        lock_episode(episode_id=episode.pk)
        failed = Generation.objects.filter(
            episode=episode,
            episode__production_state=ProductionState.FAILED,
            state__in=[GenerationState.FAILED, GenerationState.CANCELLED],
        )
        if not failed.exists():
            raise WrongStatus("Only an episode whose generation failed can be tried again.")
        require_room(account=account, episodes=1, now=now)
        note_request(account, episodes=1, now=now)
        use_episode(account=account, reference=str(episode.guid), now=now)
        requeue(episode, now=now)
    return get_episode(account=account, episode_id=episode_id)


def requeue(episode: Episode, *, now: datetime) -> None:
    """Put the generation of a locked episode at the end of the queue; demands an open transaction."""
    Generation.objects.filter(episode=episode).release(
        state=GenerationState.QUEUED,
        attempts=0,
        percent=0,
        due_at=now,
        error_code="",
        updated_at=now,
    )
    Episode.objects.filter(pk=episode.pk).update(error_message="")
    set_production_state(episode_id=episode.pk, state=ProductionState.PENDING, now=now)
    for generation_id in Generation.objects.filter(episode=episode).values_list("pk", flat=True):
        enqueue("studio.generate", generation_id=generation_id)


def end_generation(
    found: GenerationQuerySet, state: GenerationState, *, now: datetime, **changes: object
) -> int:
    """Take generations out of the queue; returns how many."""
    return found.release(
        state=state,
        phase="",
        percent=0,
        updated_at=now,
        **changes,
    )


def tell(episode_id: int, event_type: EventType, *, now: datetime) -> None:
    """Record for webhooks how a generation has ended; demands an open transaction."""
    episode = Episode.objects.select_related("show__account", "asset").get(pk=episode_id)
    record_episode_event(episode, event_type, now=now)


def options_from(wanted: Mapping[str, Any]) -> Options:
    """A request's validated `options`; what is left out or null has its default."""
    minutes = wanted.get("length_minutes")
    seconds = minutes * 60 if minutes else LENGTHS[wanted.get("episode_length") or DEFAULT_LENGTH]
    disclosure = wanted.get("disclosure")
    return Options(
        seconds=seconds,
        is_strict=bool(wanted.get("strict")),
        disclose_in_notes=True if disclosure is None else bool(disclosure),
        disclose_aloud=bool(wanted.get("spoken_disclosure")),
    )


def speakers_of(hosts: Sequence[Host]) -> tuple[Speaker, ...]:
    """The hosts as writers know them."""
    return tuple(
        Speaker(
            id=host.public_id,
            name=host.name,
            title=host.title,
            backstory=host.backstory,
            personality=host.personality,
        )
        for host in hosts
    )


def add_generation(
    *,
    account: Account,
    show: Show,
    title: str,
    fields: dict[str, object],
    options: Options,
    sources: Sequence[Source],
    now: datetime,
    description: str = "",
) -> Generation:
    """Create an episode with its generation, and use its quota; demands an open transaction.

    Raises `billing.EpisodeQuotaExceeded`.
    """
    prompt = str(fields.get("prompt", ""))
    episode = create_produced_episode(
        account=account,
        show=show,
        title=title or Truncator(" ".join(prompt.split())).chars(100) or _PLACEHOLDER,
        author=show.author or "",
        description=description,
        now=now,
    )
    generation = Generation.objects.create(
        episode=episode,
        account=account,
        has_title=bool(title),
        target_seconds=options.seconds,
        is_strict=options.is_strict,
        disclose_in_notes=options.disclose_in_notes,
        disclose_aloud=options.disclose_aloud,
        due_at=now,
        created_at=now,
        updated_at=now,
        **fields,
    )
    for source in sources:
        generation.sources.add(source)  # one by one: their order is that of the rows between
    enqueue("studio.generate", generation_id=generation.pk)
    return generation


def locked_show(*, account: Account, show_id: int) -> Show:
    """The show, held until the transaction ends. Raises `PodcastNotFound`."""
    show = Show.objects.visible_to(account).select_for_update().filter(pk=show_id).first()
    if show is None:
        raise PodcastNotFound("Podcast not found")
    show.account = account
    return show


def note_request(account: Account, *, episodes: int, now: datetime) -> GenerationRequest:
    """Count the request; what is older than a minute counts no more, and goes after a day."""
    GenerationRequest.objects.filter(
        account=account, created_at__lte=now - 1_440 * MINUTE, is_planning=False
    ).delete()
    return GenerationRequest.objects.create(account=account, weight=episodes, created_at=now)


def drop_broken_plans(*, now: datetime) -> int:
    """Forget requests whose planning was killed: nothing came of them, so nothing is charged."""
    return GenerationRequest.objects.filter(is_planning=True, lease_until__lte=now).delete()[0]


def _require_subject(prompt: str, sources: Sequence[Source]) -> None:
    if not prompt and not sources:
        raise PromptMissing("prompt: send a prompt, or source_ids.", field="prompt")


def _reserve(account: Account, *, episodes: int, now: datetime) -> GenerationRequest:
    with transaction.atomic(durable=True):
        lock_quota(account)
        GenerationRequest.objects.filter(
            account=account, is_planning=True, lease_until__lte=now
        ).delete()
        require_room(account=account, episodes=episodes, now=now)
        reservation = note_request(account, episodes=episodes, now=now)
        reservation.is_planning = True
        reservation.lease_until = now + PLAN_LEASE
        reservation.save(update_fields=["is_planning", "lease_until"])
    return reservation


def _store_series(
    account: Account,
    request: SeriesRequest,
    plan: SeriesPlan,
    *,
    language: str,
    sources: Sequence[Source],
    reservation: GenerationRequest,
    now: datetime,
) -> Planned:
    writer = configured_writer()
    with transaction.atomic(durable=True):
        lock_quota(account)
        GenerationRequest.objects.filter(pk=reservation.pk).update(
            is_planning=False,
            lease_until=None,
            writer=writer.name,
            model=writer.model[:200],
            input_tokens=plan.usage.input_tokens,
            output_tokens=plan.usage.output_tokens,
        )
        podcast = add_podcast(
            account=account,
            draft=PodcastDraft(
                title=plan.title,
                host_ids=request.podcast.host_ids,
                description=plan.description or None,
                language=language,
                show_order=request.podcast.show_order,
                visibility=request.podcast.visibility,
            ),
            now=now,
        )
        podcast.show.account = account
        generations = [
            _add_planned(account, request, podcast, outline, sources, now=now)
            for outline in plan.outlines
        ]
    return Planned(
        get_podcast(account=account, podcast_id=podcast.uuid),
        [generation.episode for generation in generations],
    )


def _add_planned(
    account: Account,
    request: SeriesRequest,
    podcast: StudioPodcast,
    outline: Outline,
    sources: Sequence[Source],
    *,
    now: datetime,
) -> Generation:
    return add_generation(
        account=account,
        show=podcast.show,
        title=outline.title,
        description=outline.description,
        fields={
            "prompt": request.prompt,
            "host_ids": podcast.host_ids,
            "outline": outline.model_dump(mode="json"),
            "language": podcast.show.language,
        },
        options=request.options,
        sources=[source for source in sources if _uses(outline, source)],
        now=now,
    )


def _language_of(materials: Sequence[Material]) -> str:
    """The sources' own language where they have one, else the contract's default."""
    found = {primary_language(material.language) for material in materials if material.language}
    return found.pop() if len(found) == 1 else DEFAULT_LANGUAGE


def _uses(outline: Outline, source: Source) -> bool:
    """Whether an outline is made from a source; one that names no passages may use all."""
    return not outline.passages or any(
        name.partition(".")[0] == str(source.pk) for name in outline.passages
    )
