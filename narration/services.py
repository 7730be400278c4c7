"""Accepting, finding and deleting narrations: each change is one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Account
from billing.services import lock_quota, use_episode
from core.errors import Conflict, NotFound
from core.queue import enqueue
from episodes.locking import EpisodeNotFound
from episodes.models import Episode
from episodes.services import (
    create_produced_episode,
    delete_episode,
    set_production_state,
)
from episodes.states import ProductionState
from narration.limits import (
    HOUR,
    require_acceptable_length,
    require_episodes_left,
    require_hourly_room,
)
from narration.models import Narration, NarrationRequest
from narration.source_urls import source_url
from production.voices.registry import voice_catalog
from shows.services import ensure_narration_show, feed_url

#: What the contract shows until the real value is known (contracts/podread.md section 3.0).
UNKNOWN_YET = "Processing..."
_PUBLIC_ID = re.compile(r"ep_[A-Za-z0-9]{1,29}", re.ASCII)
_DESCRIPTIONS = {
    Narration.SourceType.URL: "Processing article from URL...",
    Narration.SourceType.PASTE: "Processing pasted text...",
}


class NarrationNotFound(NotFound):
    """No such narration in this account."""

    code = "narration_not_found"


class NarrationNotFailed(Conflict):
    """Only what has failed can be tried again."""

    code = "narration_not_failed"


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody wants to hear: an address or a text, cleaned; "" where nothing was said.

    For an address, title and author are taken from the page and these are ignored.
    """

    url: str = ""
    text: str = ""
    title: str = ""
    author: str = ""
    voice: str = ""


def submit_narration(*, account: Account, submission: Submission, now: datetime) -> Narration:
    """Accept a narration; a worker prepares it after the commit.

    Raises `core.web_addresses.UrlInvalid`, `narration.source_urls.LoginOnlyLink`,
    `production.voices.base.VoiceUnknown`, and the refusals of `narration.limits`.
    """
    is_url = bool(submission.url)
    address = source_url(submission.url) if is_url else ""
    if not is_url:
        require_acceptable_length(account=account, characters=len(submission.text))
    if submission.voice:
        voice_catalog().voice(submission.voice)
    source_type = Narration.SourceType.URL if is_url else Narration.SourceType.PASTE
    with transaction.atomic(durable=True):
        # The lock makes the counts below exact, however many requests arrive at once.
        lock_quota(account)
        require_episodes_left(account=account, now=now)
        require_hourly_room(account=account, now=now)
        episode = create_produced_episode(
            account=account,
            show=ensure_narration_show(account=account, now=now),
            title=(not is_url and submission.title) or UNKNOWN_YET,
            author=(not is_url and submission.author) or UNKNOWN_YET,
            description=_DESCRIPTIONS[source_type],
            now=now,
        )
        narration = Narration.objects.create(
            episode=episode,
            source_type=source_type,
            source_url=address,
            requested_url=submission.url,
            text="" if is_url else submission.text,
            voice=submission.voice,
            title="" if is_url else submission.title,
            author="" if is_url else submission.author,
            due_at=now,
            created_at=now,
        )
        _note_request(account=account, now=now)
        enqueue("narration.prepare", narration_id=narration.pk)
    return narration


def get_narration(*, account: Account, public_id: str) -> Narration:
    """The one door to a narration, by its episode's public id. Raises `NarrationNotFound`."""
    found = Narration.objects.visible_to(account).with_episode()
    narration = None
    # Not every string may be asked for: PostgreSQL refuses a NUL.
    if _PUBLIC_ID.fullmatch(public_id):
        narration = found.filter(episode__public_id=public_id).first()
    if narration is None:
        raise NarrationNotFound("Episode not found")
    return narration


def delete_narration(*, account: Account, public_id: str, now: datetime) -> None:
    """Delete the narration with its episode; the feed forgets it. Raises `NarrationNotFound`."""
    narration = get_narration(account=account, public_id=public_id)
    try:
        delete_episode(account=account, episode_id=narration.episode_id, now=now)
    except EpisodeNotFound:
        # Deleted by somebody else since the line above.
        raise NarrationNotFound("Episode not found") from None


def retry_narration(*, narration_id: int, now: datetime) -> None:
    """Queue a failed narration again, from its source on.

    Raises `NarrationNotFound`, `NarrationNotFailed`, `billing.EpisodeQuotaExceeded`.
    """
    with transaction.atomic(durable=True):
        found = Narration.objects.filter(pk=narration_id)
        owner = Account.objects.filter(shows__episodes__narration=narration_id).first()
        if owner is None:
            raise NarrationNotFound("Episode not found")
        lock_quota(owner)
        # The episode's row before the narration's, as everywhere: another order could deadlock.
        episode = (
            Episode.objects.select_for_update(of=("self",))
            .select_related("show__account")
            .filter(pk__in=found.values("episode_id"))
            .first()
        )
        if episode is None:
            raise NarrationNotFound("Episode not found")
        failed = found.filter(episode__production_state=ProductionState.FAILED)
        restarted = failed.update(
            state=Narration.State.WAITING,
            attempts=0,
            due_at=now,
            lease=None,
            lease_until=None,
            error_code="",
        )
        if not restarted:
            raise NarrationNotFailed("Only a failed narration can be tried again.")
        use_episode(account=episode.show.account, reference=str(episode.guid), now=now)
        set_production_state(episode_id=episode.pk, state=ProductionState.PENDING, now=now)
        enqueue("narration.prepare", narration_id=narration_id)


def narration_feed_url(*, account: Account, now: datetime) -> str:
    """The address of the account's private feed of narrations; its show is made on first use."""
    with transaction.atomic(durable=True):
        return feed_url(ensure_narration_show(account=account, now=now))


def _note_request(*, account: Account, now: datetime) -> None:
    """Count the request; what is older than an hour counts no more and goes."""
    requests = NarrationRequest.objects.filter(account=account)
    requests.filter(created_at__lte=now - HOUR).delete()
    requests.create(account=account, created_at=now)
