"""Addresses of a private feed for one listener each: given out, listed, and taken back at any time."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from core.changes import announce_change
from core.errors import Conflict, NotFound
from core.ids import feed_token
from shows.models import FeedListener, Show

MAX_LISTENERS = 1_000


class ListenerNotFound(NotFound):
    """No such listener of this show."""

    code = "listener_not_found"


class ShowIsPublic(Conflict):
    """A public feed is for everybody: there is nothing to give out or take back."""

    code = "show_is_public"


class TooManyListeners(Conflict):
    """The show has MAX_LISTENERS listeners."""

    code = "too_many_listeners"


def listener_url(listener: FeedListener) -> str:
    """The listener's own address of the feed."""
    return f"{settings.PUBLIC_URL}/feeds/{listener.token}.xml"


def add_listener(*, show: Show, name: str, now: datetime) -> FeedListener:
    """Make an address for one listener. Raises `ShowIsPublic`, `TooManyListeners`."""
    if not show.is_private:
        raise ShowIsPublic("The show is public; its feed needs no address of its own.")
    with transaction.atomic(durable=True):
        if show.listeners.count() >= MAX_LISTENERS:
            raise TooManyListeners(f"A show has at most {MAX_LISTENERS:,} listeners; remove some.")
        return FeedListener.objects.create(show=show, name=name, token=feed_token(), created_at=now)


def remove_listener(*, show: Show, listener_id: int) -> None:
    """Take an address back: the next request with it is a 404. Raises `ListenerNotFound`."""
    with transaction.atomic(durable=True):
        deleted, _by_model = show.listeners.filter(pk=listener_id).delete()
        if not deleted:
            raise ListenerNotFound("Listener not found")
        # What web processes hold of the feed, under any of its addresses, counts no more.
        announce_change(show.pk)
