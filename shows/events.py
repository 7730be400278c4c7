"""Records what happened to a show for the account's webhooks, within the change's own transaction."""

from __future__ import annotations

from datetime import datetime

from core.times import iso_milliseconds
from shows.models import Show
from webhooks.event_types import EventType
from webhooks.services import record_event


def record_show_event(show: Show, event_type: EventType, *, now: datetime) -> None:
    """Demands an open transaction; needs `account`.

    A key for webhooks alone must not learn more than the public does: neither the owner's e-mail
    nor the token of a private feed is told.
    """
    record_event(
        account=show.account,
        type=event_type,
        data={
            "id": show.pk,
            "slug": show.slug,
            "title": show.title,
            "description": show.description,
            "author": show.author,
            "language": show.language,
            "category": show.category,
            "image_url": show.cover_url,
            "website_url": show.website_url,
            "explicit": show.explicit,
            "created_at": iso_milliseconds(show.created_at),
            "updated_at": iso_milliseconds(show.updated_at),
        },
        now=now,
    )
