"""Locks rows of episodes for a change, always in the same order: quota, show, episode.

So no two changes can wait for each other.
"""

from __future__ import annotations

from django.db.models import BigIntegerField

from accounts.models import Account
from billing.services import lock_quota
from core.errors import NotFound
from core.prepared import Given, Prepared
from episodes.models import Episode
from shows.models import Show
from shows.services import ShowNotFound

_HELD_SHOW = Prepared(
    lambda: Show.objects.select_for_update().filter(
        account_id=Given("account", BigIntegerField()), pk=Given("show", BigIntegerField())
    )
)


class EpisodeNotFound(NotFound):
    """No such episode in this account (or show)."""

    code = "episode_not_found"


def lock_episode(*, episode_id: int) -> bool:
    """Hold the episode's row until the transaction ends; False when it is gone.

    Work that changes both an episode and a row that hangs on it locks the episode first: deleting
    an episode goes the same way.
    """
    return Episode.objects.select_for_update().filter(pk=episode_id).exists()


def locked_show(*, account: Account, show_id: int) -> Show:
    """The show, held until the transaction ends. Raises `shows.ShowNotFound`."""
    show = _HELD_SHOW.first(account=account.pk, show=show_id)
    if show is None:
        raise ShowNotFound("Show not found")
    show.account = account
    return show


def locked_episode(*, account: Account, episode_id: int, show_id: int | None = None) -> Episode:
    """The episode, held with its show until the transaction ends. Raises `EpisodeNotFound`."""
    found = Episode.objects.visible_to(account).filter(pk=episode_id)
    if show_id is not None:
        found = found.filter(show_id=show_id)
    # An episode never moves to another show, so its show can be read before it is locked.
    own_show_id = found.values_list("show_id", flat=True).first()
    episode = None
    if own_show_id is not None and lock_show(own_show_id):
        episode = (
            found.select_for_update(of=("self",)).select_related("show__account", "asset").first()
        )
    if episode is None:
        raise EpisodeNotFound("Episode not found")
    return episode


def lock_show(show_id: int) -> bool:
    """Hold the show's row until the end of the transaction; False when it is gone."""
    locked = Show.objects.select_for_update().filter(pk=show_id).values_list("pk", flat=True)
    return locked.first() is not None


def locked_for_production(episode_id: int) -> Episode | None:
    """The episode with its quota and show locked, for the worker that makes its audio."""
    episode = Episode.objects.select_related("show__account").filter(pk=episode_id).first()
    if episode is None:
        return None
    lock_quota(episode.show.account)
    if not lock_show(episode.show_id):
        return None
    return (
        Episode.objects.select_for_update(of=("self",))
        .select_related("show__account")
        .filter(pk=episode_id)
        .first()
    )
