"""Episodes of podcasts: finding, changing, publishing and deleting them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts.models import Account
from core.errors import Conflict, Invalid, NotFound
from core.storage import open_stored
from episodes.locking import EpisodeNotFound as HostedEpisodeNotFound
from episodes.models import Episode, EpisodeDocument
from episodes.services import delete_episode as delete_hosted_episode
from episodes.services import update_episode as update_hosted_episode
from episodes.states import Publication
from production.timeline import Timeline
from studio.models import Generation
from studio.states import EpisodeStatus, episode_status

#: Clocks differ: a time that has just passed means now.
JUST_NOW = timedelta(minutes=5)


class EpisodeNotFound(NotFound):
    """No such episode in this account."""

    code = "episode_not_found"


class WrongStatus(Conflict):
    """The episode's status does not allow it."""

    code = "wrong_status"


class TimePassed(Invalid):
    """`scheduled_time` lies in the past."""

    code = "time_passed"


class TimestampsMissing(NotFound):
    """The episode has no audio whose times we know."""

    code = "timestamps_missing"


def episodes_of(account: Account) -> QuerySet[Episode]:
    """The episodes of the account's podcasts with what the contract's object shows."""
    found = Episode.objects.visible_to(account).filter(show__studio__isnull=False)
    return found.select_related(
        "show__studio", "asset", "generation", "production"
    ).prefetch_related("generation__sources")


def get_episode(*, account: Account, episode_id: uuid.UUID) -> Episode:
    """The one door to an episode. Raises `EpisodeNotFound`."""
    episode = episodes_of(account).filter(uuid=episode_id).first()
    if episode is None:
        raise EpisodeNotFound("Episode not found")
    return episode


def generation_of(episode: Episode) -> Generation | None:
    """How the episode was made, None when its audio came another way."""
    return getattr(episode, "generation", None)


def delete_episode(*, account: Account, episode_id: uuid.UUID, now: datetime) -> None:
    """Delete the episode with its media; work on it ends. Raises `EpisodeNotFound`."""
    episode = get_episode(account=account, episode_id=episode_id)
    try:
        delete_hosted_episode(account=account, episode_id=episode.pk, now=now)
    except HostedEpisodeNotFound:
        raise EpisodeNotFound("Episode not found") from None


def update_episode(
    *, account: Account, episode_id: uuid.UUID, changes: Mapping[str, object], now: datetime
) -> Episode:
    """Change title, description and the like; an empty change changes nothing.

    Raises `EpisodeNotFound`.
    """
    episode = get_episode(account=account, episode_id=episode_id)
    if changes:
        _change(episode, account=account, changes=changes, now=now)
    return get_episode(account=account, episode_id=episode_id)


def publish_episode(
    *, account: Account, episode_id: uuid.UUID, scheduled_time: datetime | None, now: datetime
) -> Episode:
    """Publish a draft now or at `scheduled_time`.

    Raises `EpisodeNotFound`, `WrongStatus`, `TimePassed`, `billing.EpisodeQuotaExceeded`.
    """
    episode = get_episode(account=account, episode_id=episode_id)
    status = episode_status(episode)
    if status != EpisodeStatus.DRAFT:
        raise WrongStatus(f"Only a draft can be published; this episode is {status}.")
    if episode.asset is None and not episode.audio_url:
        raise WrongStatus("The episode has no audio yet.")
    changes: dict[str, object] = {"status": Publication.PUBLISHED, "publish_at": None}
    if scheduled_time is not None and scheduled_time < now - JUST_NOW:
        raise TimePassed(
            "scheduled_time: must lie in the future; leave it out to publish now.",
            field="scheduled_time",
        )
    if scheduled_time is not None and scheduled_time > now:
        changes = {"status": Publication.SCHEDULED, "publish_at": scheduled_time}
    _change(episode, account=account, changes=changes, now=now)
    return episode


def unpublish_episode(*, account: Account, episode_id: uuid.UUID, now: datetime) -> Episode:
    """Make a published or scheduled episode a draft. Raises `EpisodeNotFound`, `WrongStatus`."""
    episode = get_episode(account=account, episode_id=episode_id)
    status = episode_status(episode)
    if status not in {EpisodeStatus.PUBLISHED, EpisodeStatus.SCHEDULED}:
        raise WrongStatus(
            f"Only a published or scheduled episode can be unpublished; this one is {status}."
        )
    changes = {"status": Publication.DRAFT, "publish_at": None}
    _change(episode, account=account, changes=changes, now=now)
    return get_episode(account=account, episode_id=episode_id)


def timeline_of(episode: Episode) -> Timeline:
    """When each sentence of the episode is heard. Raises `TimestampsMissing`."""
    found = episode.documents.filter(kind=EpisodeDocument.Kind.TIMELINE_JSON)
    key = found.values_list("storage_key", flat=True).first()
    if key is None:
        raise TimestampsMissing("The episode has no audio yet whose times are known.")
    try:
        with open_stored(key) as file:
            return Timeline.from_json(json.load(file))
    except FileNotFoundError:
        # A newer production has replaced it since the line above.
        raise TimestampsMissing("The episode's audio is being replaced; try again.") from None


def _change(
    episode: Episode, *, account: Account, changes: Mapping[str, object], now: datetime
) -> None:
    try:
        update_hosted_episode(account=account, episode_id=episode.pk, changes=changes, now=now)
    except HostedEpisodeNotFound:
        raise EpisodeNotFound("Episode not found") from None
