"""Changes to episodes: each is one transaction that locks, checks, writes and notes the public change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from accounts.models import Account
from billing.services import lock_quota, return_episode, use_episode, use_new_episode
from core.errors import Invalid
from core.prepared import PreparedInsert
from core.queue import enqueue
from core.storage import release_stored
from episodes.assets import add_asset
from episodes.audio import (
    check_address,
    own_asset,
    remove_documents,
    replace_audio,
    require_audio,
    take_asset,
)
from episodes.events import record_episode_event
from episodes.locking import (
    EpisodeNotFound,
    lock_show,
    locked_episode,
    locked_for_production,
    locked_show,
)
from episodes.models import AudioAsset, Episode, EpisodeDocument
from episodes.states import (
    ProductionState,
    Publication,
    PublicationPlan,
    ScheduleWithoutTime,
    plan_publication,
)
from episodes.uploads import keep_upload
from shows.models import Show
from shows.services import NothingToUpdate, note_public_change
from webhooks.event_types import EventType

UPDATABLE = (
    "title",
    "description",
    "status",
    "publish_at",
    "audio_url",
    "audio_length",
    "audio_type",
    "duration_seconds",
    "explicit",
    "episode_type",
    "season",
    "episode_number",
    "published_at",
)
_NEW_EPISODES = PreparedInsert(Episode)


class PublishTimeMissing(Invalid):
    """`status` is scheduled without `publish_at` (contracts/podclaw.md A12)."""

    code = "publish_at_required"


@dataclass(frozen=True, slots=True)
class EpisodeDraft:
    """The fields of a new episode, already validated."""

    title: str
    audio_url: str | None = None
    asset: AudioAsset | None = None
    description: str | None = None
    author: str = ""
    status: Publication | None = None
    publish_at: datetime | None = None
    published_at: datetime | None = None
    audio_type: str = "audio/mpeg"
    audio_length: int | None = None
    duration_seconds: int | None = None
    season: int | None = None
    episode_number: int | None = None
    episode_type: str = Episode.Type.FULL
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class StoredAudio:
    """A file in storage, measured; becomes an `AudioAsset`."""

    storage_key: str
    filename: str
    bytes: int
    sha256: str
    mime_type: str
    duration_seconds: float
    header_bytes: int


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document in storage; becomes an `EpisodeDocument`."""

    kind: str
    storage_key: str
    mime_type: str
    language: str
    bytes: int


@dataclass(frozen=True, slots=True)
class StoredCover:
    """A cover in storage, a JPEG of so many bytes."""

    storage_key: str
    bytes: int


@dataclass(frozen=True, slots=True)
class MeasuredAudio:
    """How many bytes the audio of an episode has at its address outside."""

    episode_id: int
    audio_url: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ProducedEpisode:
    """Everything that a finished production attaches to its episode in one transaction."""

    audio: StoredAudio
    documents: Iterable[StoredDocument]
    chapters: list[dict[str, object]] = field(default_factory=list)


def get_episode(*, account: Account, episode_id: int, show_id: int | None = None) -> Episode:
    """The one door to an episode, optionally inside a show. Raises `EpisodeNotFound`."""
    found = Episode.objects.visible_to(account).select_related("show", "asset")
    if show_id is not None:
        found = found.filter(show_id=show_id)
    episode = found.filter(pk=episode_id).first()
    if episode is None:
        raise EpisodeNotFound("Episode not found")
    return episode


def create_episode(
    *, account: Account, show_id: int, draft: EpisodeDraft, now: datetime
) -> Episode:
    """Create an episode whose audio is a staged upload of the account, or at an address.

    An address of the account's own stored audio stands for that audio.

    Raises `shows.ShowNotFound`, `PublishTimeMissing`, `billing.EpisodeQuotaExceeded`.
    """
    check_address(draft.audio_url)
    with transaction.atomic(durable=True):
        quota = None if draft.status == Publication.DRAFT else lock_quota(account)
        show = locked_show(account=account, show_id=show_id)
        plan = _plan(
            status=draft.status,
            publish_at=draft.publish_at,
            published_at=draft.published_at,
            now=now,
        )
        episode = Episode(
            show=show,
            title=draft.title,
            author=draft.author,
            description=draft.description,
            state=plan.state,
            audio_url=draft.audio_url,
            audio_type=draft.audio_type,
            audio_length=draft.audio_length,
            duration_seconds=draft.duration_seconds,
            season=draft.season,
            episode_number=draft.episode_number,
            episode_type=draft.episode_type,
            explicit=draft.explicit,
            publish_at=plan.publish_at,
            published_at=plan.published_at,
            created_at=now,
            updated_at=now,
        )
        asset = own_asset(account=account, audio_url=draft.audio_url)
        if draft.asset is not None:
            asset = keep_upload(draft.asset)
        if asset is not None:
            take_asset(episode, asset)
        if quota is not None:
            require_audio(episode)
            use_new_episode(quota=quota, reference=str(episode.guid), now=now)
        _NEW_EPISODES.save(episode)
        happened = [EventType.EPISODE_CREATED]
        if episode.state == Publication.PUBLISHED:
            note_public_change(show_id=show.pk, now=now)
            happened.append(EventType.EPISODE_PUBLISHED)
        record_episode_event(episode, *happened, now=now)
    return episode


def create_produced_episode(
    *,
    account: Account,
    show: Show,
    title: str,
    author: str,
    description: str,
    now: datetime,
    episode_type: str = Episode.Type.FULL,
    uses_quota: bool = True,
) -> Episode:
    """Create a draft whose audio we are going to make; demands an open transaction.

    The quota is used here, before any work is done, and given back if the making fails.
    Raises `billing.EpisodeQuotaExceeded`.
    """
    episode = Episode(
        show=show,
        title=title,
        author=author,
        description=description,
        state=Publication.DRAFT,
        production_state=ProductionState.PENDING,
        is_ai_generated=True,
        episode_type=episode_type,
        created_at=now,
        updated_at=now,
    )
    if uses_quota:
        use_episode(account=account, reference=str(episode.guid), now=now)
    episode.save(force_insert=True)
    record_episode_event(episode, EventType.EPISODE_CREATED, now=now)
    return episode


def attach_source(*, episode: Episode, source: StoredDocument, now: datetime) -> None:
    """Keep the stored file that `episode` will be read from; demands the transaction that makes it.

    It goes when the audio is complete, or with the episode.
    """
    EpisodeDocument.objects.create(
        episode=episode,
        kind=source.kind,
        storage_key=source.storage_key,
        mime_type=source.mime_type,
        language=source.language,
        bytes=source.bytes,
        created_at=now,
    )


def update_episode(
    *,
    account: Account,
    episode_id: int,
    changes: Mapping[str, object],
    now: datetime,
    show_id: int | None = None,
) -> Episode:
    """Change the given fields; names outside UPDATABLE are ignored.

    Raises `EpisodeNotFound`, `NothingToUpdate`, `PublishTimeMissing`, `AudioMissing`,
    `AudioInProduction`, `billing.EpisodeQuotaExceeded`.
    """
    wanted = {name: value for name, value in changes.items() if name in UPDATABLE}
    if not wanted:
        raise NothingToUpdate(f"Nothing to update: send one or more of {', '.join(UPDATABLE)}.")
    with transaction.atomic(durable=True):
        lock_quota(account)
        episode = locked_episode(account=account, episode_id=episode_id, show_id=show_id)
        was_public = episode.state == Publication.PUBLISHED
        was_draft = episode.state == Publication.DRAFT
        _apply(episode, wanted, now=now)
        if episode.state != Publication.DRAFT:
            require_audio(episode)
        if was_draft and episode.state != Publication.DRAFT:
            use_episode(account=account, reference=str(episode.guid), now=now)
        episode.updated_at = now
        episode.save()
        record_episode_event(episode, EventType.EPISODE_UPDATED, now=now)
        if was_public or episode.state == Publication.PUBLISHED:
            note_public_change(show_id=episode.show_id, now=now)
        if episode.state == Publication.PUBLISHED and not was_public:
            record_episode_event(episode, EventType.EPISODE_PUBLISHED, now=now)
    return episode


def delete_episode(
    *, account: Account, episode_id: int, now: datetime, show_id: int | None = None
) -> None:
    """Delete an episode; its stored files are swept. Raises `EpisodeNotFound`."""
    with transaction.atomic(durable=True):
        episode = locked_episode(account=account, episode_id=episode_id, show_id=show_id)
        if episode.state == Publication.PUBLISHED:
            note_public_change(show_id=episode.show_id, now=now)
        record_episode_event(episode, EventType.EPISODE_DELETED, now=now)
        remove_documents(episode)
        if episode.cover_key:
            release_stored([episode.cover_key])
        episode.delete()
        enqueue("episodes.sweep_files")


def set_production_state(*, episode_id: int, state: ProductionState, now: datetime) -> bool:
    """Move the episode's production state on; False when the episode is gone."""
    return bool(
        Episode.objects.filter(pk=episode_id).update(production_state=state, updated_at=now)
    )


def describe_produced_episode(
    *,
    episode_id: int,
    title: str,
    author: str,
    description: str,
    cover: StoredCover | None = None,
    now: datetime,
) -> bool:
    """Fill in what preparing found out; False when the episode is gone.

    A `cover` takes the place of the one before. Demands an open transaction.
    """
    found = Episode.objects.filter(pk=episode_id)
    changes: dict[str, object] = {}
    if cover is not None:
        before = found.values_list("cover_key", flat=True).first()
        release_stored([before] if before else [])
        changes = {"cover_key": cover.storage_key, "cover_bytes": cover.bytes}
    return bool(
        found.update(title=title, author=author, description=description, updated_at=now, **changes)
    )


def fail_production(*, episode_id: int, reason: str, now: datetime) -> bool:
    """Mark the making of the audio as failed for good and give the quota back.

    An episode that has audio from before keeps it, and what it has cost. Demands an open
    transaction. False when the episode is gone or was complete already.
    """
    episode = locked_for_production(episode_id)
    if episode is None or episode.production_state == ProductionState.COMPLETE:
        return False
    has_audio = episode.asset_id is not None
    episode.production_state = ProductionState.COMPLETE if has_audio else ProductionState.FAILED
    episode.error_message = reason
    episode.updated_at = now
    episode.save(update_fields=["production_state", "error_message", "updated_at"])
    if not has_audio:
        return_episode(account=episode.show.account, reference=str(episode.guid), now=now)
    return True


def restart_production(*, episode_id: int, now: datetime) -> Episode:
    """Let a failed episode wait for its audio once more, without the quota; demands an open transaction."""
    episode = Episode.objects.select_for_update(of=("self",)).get(pk=episode_id)
    episode.production_state = ProductionState.PENDING
    episode.error_message = ""
    episode.updated_at = now
    episode.save(update_fields=["production_state", "error_message", "updated_at"])
    return episode


def fill_audio_lengths(*, show_id: int, measured: Iterable[MeasuredAudio], now: datetime) -> None:
    """Store the sizes of audio outside whose length nobody told us; what was told since then stays."""
    found = list(measured)
    if not found:
        return
    with transaction.atomic(durable=True):
        lock_show(show_id)
        filled = 0
        for audio in found:
            filled += Episode.objects.filter(
                pk=audio.episode_id, show_id=show_id, audio_url=audio.audio_url, audio_length=None
            ).update(audio_length=audio.bytes, updated_at=now)
        if filled:
            note_public_change(show_id=show_id, now=now)


def attach_production(
    *, episode_id: int, produced: ProducedEpisode, publish: bool, now: datetime
) -> bool:
    """Attach audio, documents and chapters, and publish if asked; demands an open transaction.

    False when the episode is gone: the caller's files are then swept. Documents of an earlier
    production of the same episode are replaced.
    """
    episode = locked_for_production(episode_id)
    if episode is None:
        return False
    audio = produced.audio
    episode.asset = add_asset(
        AudioAsset(
            account=episode.show.account,
            storage_key=audio.storage_key,
            filename=audio.filename,
            bytes=audio.bytes,
            sha256=audio.sha256,
            mime_type=audio.mime_type,
            duration_seconds=audio.duration_seconds,
            header_bytes=audio.header_bytes,
            created_at=now,
        )
    )
    episode.audio_type = audio.mime_type
    episode.audio_length = audio.bytes
    episode.duration_seconds = round(audio.duration_seconds)
    episode.chapters = produced.chapters
    episode.production_state = ProductionState.COMPLETE
    episode.error_message = ""
    becomes_public = publish and episode.state == Publication.DRAFT
    if becomes_public:
        episode.state = Publication.PUBLISHED
        episode.published_at = episode.published_at or now
    episode.updated_at = now
    episode.save()
    remove_documents(episode)
    EpisodeDocument.objects.bulk_create(
        EpisodeDocument(
            episode=episode,
            kind=document.kind,
            storage_key=document.storage_key,
            mime_type=document.mime_type,
            language=document.language,
            bytes=document.bytes,
            created_at=now,
        )
        for document in produced.documents
    )
    if episode.state == Publication.PUBLISHED:
        note_public_change(show_id=episode.show_id, now=now)
    event_type = EventType.EPISODE_PUBLISHED if becomes_public else EventType.EPISODE_UPDATED
    record_episode_event(episode, event_type, now=now)
    return True


def _apply(episode: Episode, wanted: Mapping[str, object], *, now: datetime) -> None:
    for name, value in wanted.items():
        if name not in {"status", "publish_at", "published_at", "audio_url"}:
            setattr(episode, name, value)
    if "audio_url" in wanted:
        replace_audio(episode, str(wanted["audio_url"]), given=wanted)
    if not {"status", "publish_at", "published_at"} & set(wanted):
        return
    publish_at = wanted.get("publish_at", episode.publish_at)
    published_at = wanted.get("published_at", episode.published_at)
    status = wanted.get("status")
    if status is None and wanted.get("publish_at") is None:
        # Only dates changed, and none that schedules: the state stays.
        status = episode.state
        if status == Publication.SCHEDULED and publish_at is None:
            status = Publication.DRAFT
    plan = _plan(
        status=Publication(str(status)) if status is not None else None,
        publish_at=publish_at,  # type: ignore[arg-type] # validated by the serializer
        published_at=published_at,  # type: ignore[arg-type]
        now=now,
    )
    episode.state = plan.state
    episode.publish_at = plan.publish_at
    episode.published_at = plan.published_at


def _plan(
    *,
    status: Publication | None,
    publish_at: datetime | None,
    published_at: datetime | None,
    now: datetime,
) -> PublicationPlan:
    try:
        return plan_publication(
            status=status, publish_at=publish_at, published_at=published_at, now=now
        )
    except ScheduleWithoutTime:
        raise PublishTimeMissing(
            'publish_at: required when status is "scheduled"; give an ISO 8601 time in the future.',
            field="publish_at",
        ) from None
