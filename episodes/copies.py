"""Asks for a copy of an episode's outside audio in our storage, and what the row of that work holds."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Account
from core.errors import Conflict, NotFound, PodwrightError
from core.queue import enqueue
from episodes.audio import AudioMissing, take_asset
from episodes.events import record_episode_event
from episodes.locking import locked_episode
from episodes.models import AudioAsset, AudioCopy
from episodes.querysets import AudioCopyQuerySet
from episodes.states import Publication
from episodes.uploads import keep_upload
from shows.services import note_public_change
from webhooks.event_types import EventType

#: Renewed every few seconds while a worker copies; one that died is found out after it.
LEASE = timedelta(seconds=30)
#: How long to wait after each failure that may pass; then the copy fails for good.
RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
MAX_ATTEMPTS = len(RETRY_AFTER) + 1


class AudioStoredAlready(Conflict):
    """There is nothing to copy: the audio is in our storage."""

    code = "audio_stored_already"


class AudioReplaced(Conflict):
    """The episode got other audio while its old one was being copied."""

    code = "audio_replaced"


class CopyNotFound(NotFound):
    """Nobody asked for a copy of this episode's audio."""

    code = "copy_not_found"


class CopyNotOurs(Exception):
    """The row is gone, or another worker holds it."""


@dataclass(frozen=True, slots=True)
class ClaimedCopy:
    """A copy that this worker makes until it ends the lease."""

    copy_id: int
    lease: uuid.UUID
    attempts: int
    account: Account
    episode_id: int
    source_url: str


def keep_copy(
    *, account: Account, episode_id: int, now: datetime, show_id: int | None = None
) -> AudioCopy:
    """Queue the copying of the episode's outside audio; one that is queued or made is given again.

    Raises `EpisodeNotFound`, `AudioMissing`, `AudioStoredAlready`.
    """
    with transaction.atomic(durable=True):
        episode = locked_episode(account=account, episode_id=episode_id, show_id=show_id)
        copy = AudioCopy.objects.filter(episode=episode).first()
        if episode.asset_id is not None:
            if copy is not None and copy.state == AudioCopy.State.KEPT:
                return copy
            raise AudioStoredAlready("The audio of this episode is in our storage already.")
        if not episode.audio_url:
            raise AudioMissing("The episode has no audio yet that could be copied.")
        if copy is None:
            copy = AudioCopy(episode=episode)
        elif copy.is_open and copy.source_url == episode.audio_url:
            return copy
        copy.queue(source_url=episode.audio_url, now=now)
        copy.save()
        enqueue("episodes.copy_audio", copy_id=copy.pk)
    return copy


def get_copy(*, account: Account, episode_id: int, show_id: int | None = None) -> AudioCopy:
    """The latest copy that was asked for. Raises `CopyNotFound`."""
    found = AudioCopy.objects.filter(episode__show__account=account, episode_id=episode_id)
    if show_id is not None:
        found = found.filter(episode__show_id=show_id)
    copy = found.first()
    if copy is None:
        raise CopyNotFound("No copy of this episode's audio was asked for.")
    return copy


def due_copies(*, now: datetime, limit: int = 500) -> list[int]:
    """Ids of what waits and is due or was abandoned, longest waiting first."""
    return AudioCopy.objects.claimable_ids(now=now, limit=limit)


def claim_copy(*, copy_id: int, now: datetime) -> ClaimedCopy | None:
    """Take the copy; None when it is not due or somebody was faster."""
    lease = AudioCopy.objects.filter(pk=copy_id).claim(
        now=now, lasting=LEASE, state=AudioCopy.State.COPYING
    )
    held = AudioCopy.objects.held(pk=copy_id, lease=lease)
    copy = held.select_related("episode__show__account").first()
    if lease is None or copy is None:
        return None
    return ClaimedCopy(
        copy_id=copy.pk,
        lease=lease,
        attempts=copy.attempts,
        account=copy.episode.show.account,
        episode_id=copy.episode_id,
        source_url=copy.source_url,
    )


def renew_copy(claimed: ClaimedCopy, *, now: datetime) -> bool:
    """Prolong the lease; False when the copy is not ours any more."""
    return _held(claimed).renew(now=now, lasting=LEASE)


def finish_copy(claimed: ClaimedCopy, asset: AudioAsset, *, now: datetime) -> None:
    """Let the episode sound as the staged asset, in one transaction with all that follows from it.

    Raises `CopyNotOurs`, `AudioReplaced`; the episode is unchanged then.
    """
    with transaction.atomic(durable=True):
        try:
            episode = locked_episode(account=claimed.account, episode_id=claimed.episode_id)
        except NotFound:
            raise CopyNotOurs from None
        _end(claimed, now=now, state=AudioCopy.State.KEPT, error_code="", error_message="")
        if episode.asset_id is not None or episode.audio_url != claimed.source_url:
            raise AudioReplaced("The episode got other audio meanwhile.")
        take_asset(episode, keep_upload(asset))
        episode.updated_at = now
        episode.save()
        if episode.state == Publication.PUBLISHED:
            note_public_change(show_id=episode.show_id, now=now)
        record_episode_event(episode, EventType.EPISODE_UPDATED, now=now)


def fail_copy(claimed: ClaimedCopy, error: PodwrightError, *, now: datetime, again: bool) -> bool:
    """Store why an attempt failed; it is tried again if `again` and attempts are left.

    Returns whether it will be. The episode stays as it was. Raises `CopyNotOurs`.
    """
    reason = {"error_code": error.code, "error_message": error.message}
    with transaction.atomic(durable=True):
        if again and claimed.attempts < MAX_ATTEMPTS:
            due_at = now + RETRY_AFTER[claimed.attempts - 1]
            _release(claimed, state=AudioCopy.State.WAITING, due_at=due_at, **reason)
            return True
        _end(claimed, now=now, state=AudioCopy.State.FAILED, **reason)
    return False


def _end(claimed: ClaimedCopy, *, now: datetime, **values: object) -> None:
    _release(claimed, finished_at=now, **values)


def _release(claimed: ClaimedCopy, **values: object) -> None:
    if not _held(claimed).release(**values):
        raise CopyNotOurs


def _held(claimed: ClaimedCopy) -> AudioCopyQuerySet:
    return AudioCopy.objects.held(pk=claimed.copy_id, lease=claimed.lease)
