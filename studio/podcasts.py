"""Podcasts: shows as the Studio knows them; each change is one transaction over both rows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from accounts.models import Account
from core.errors import NotFound
from episodes.models import Episode
from shows.models import Show
from shows.services import ShowDraft, ShowNotFound, add_show, change_show, delete_show
from studio.hosts import require_hosts
from studio.models import StudioPodcast

#: What a feed needs to be accepted by directories; owners change it in the dashboard or under /api.
CATEGORY = "Technology"
_SHOW_FIELDS = ("title", "description", "language")


class PodcastNotFound(NotFound):
    """No such podcast in this account."""

    code = "podcast_not_found"


@dataclass(frozen=True, slots=True)
class PodcastDraft:
    """The fields of a new podcast, already validated; `host_ids` are checked when it is created."""

    title: str
    host_ids: Sequence[str]
    description: str | None = None
    language: str = "en"
    show_order: str = StudioPodcast.Order.EPISODIC
    visibility: str = StudioPodcast.Visibility.UNLISTED


def podcasts_of(account: Account) -> QuerySet[StudioPodcast]:
    """The account's podcasts with what the contract's object shows."""
    found = StudioPodcast.objects.filter(show__account=account)
    # Of its episodes only the ids are shown.
    episodes = Episode.objects.only("uuid", "created_at", "show")
    return found.select_related("show").prefetch_related(Prefetch("show__episodes", episodes))


def get_podcast(*, account: Account, podcast_id: uuid.UUID) -> StudioPodcast:
    """The one door to a podcast; another account's is as absent as none. Raises `PodcastNotFound`."""
    podcast = podcasts_of(account).filter(uuid=podcast_id).first()
    if podcast is None:
        raise PodcastNotFound("Podcast not found")
    podcast.show.account = account
    return podcast


def create_podcast(*, account: Account, draft: PodcastDraft, now: datetime) -> StudioPodcast:
    """Create a podcast without episodes. Raises `HostsUnknown`, `billing.ShowQuotaExceeded`."""
    require_hosts(account=account, host_ids=draft.host_ids)
    with transaction.atomic(durable=True):
        podcast = add_podcast(account=account, draft=draft, now=now)
    return get_podcast(account=account, podcast_id=podcast.uuid)


def add_podcast(*, account: Account, draft: PodcastDraft, now: datetime) -> StudioPodcast:
    """Create a podcast together with its episodes; demands an open transaction."""
    show = add_show(
        account=account,
        draft=ShowDraft(
            title=draft.title,
            description=draft.description,
            author=account.name or None,
            language=draft.language,
            category=CATEGORY,
            visibility=_show_visibility(draft.visibility),
        ),
        now=now,
    )
    return StudioPodcast.objects.create(
        show=show,
        host_ids=list(dict.fromkeys(draft.host_ids)),
        show_order=draft.show_order,
        visibility=draft.visibility,
        created_at=now,
    )


def update_podcast(
    *, account: Account, podcast_id: uuid.UUID, changes: Mapping[str, object], now: datetime
) -> StudioPodcast:
    """Change the given fields; an empty change changes nothing.

    Raises `PodcastNotFound`, `HostsUnknown`.
    """
    podcast = get_podcast(account=account, podcast_id=podcast_id)
    own = {name: changes[name] for name in ("show_order", "visibility") if name in changes}
    host_ids = changes.get("host_ids")
    if isinstance(host_ids, list):
        hosts = require_hosts(account=account, host_ids=host_ids)
        own["host_ids"] = [host.public_id for host in hosts]
    shown = {name: changes[name] for name in _SHOW_FIELDS if name in changes}
    if "visibility" in own:
        shown["visibility"] = _show_visibility(str(own["visibility"]))
    with transaction.atomic(durable=True):
        try:
            change_show(account=account, show_id=podcast.show_id, changes=shown, now=now)
        except ShowNotFound:
            raise PodcastNotFound("Podcast not found") from None
        if own:
            StudioPodcast.objects.filter(pk=podcast.pk).update(**own)
    return get_podcast(account=account, podcast_id=podcast_id)


def delete_podcast(*, account: Account, podcast_id: uuid.UUID, now: datetime) -> None:
    """Delete the podcast with its episodes; work on them ends. Raises `PodcastNotFound`."""
    podcast = get_podcast(account=account, podcast_id=podcast_id)
    try:
        delete_show(account=account, show_id=podcast.show_id, now=now)
    except ShowNotFound:
        raise PodcastNotFound("Podcast not found") from None


def _show_visibility(visibility: str) -> str:
    """An unlisted podcast has a public feed; a private one a feed behind a token."""
    if visibility == StudioPodcast.Visibility.PRIVATE:
        return Show.Visibility.PRIVATE
    return Show.Visibility.PUBLIC
