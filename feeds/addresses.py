"""Where a show's trailer is: its address, and the file behind it."""

from __future__ import annotations

from django.conf import settings

from episodes.states import Publication
from feeds.models import Trailer
from shows.models import Show


def trailer_key(show_id: int) -> str | None:
    """The storage key of a public show's trailer, None while nobody may hear one; one query."""
    published = Trailer.objects.filter(
        show_id=show_id,
        show__visibility=Show.Visibility.PUBLIC,
        episode__state=Publication.PUBLISHED,
    )
    return published.values_list("episode__asset__storage_key", flat=True).first()


def trailer_url(show_id: int) -> str:
    """The absolute address of the show's trailer (E9)."""
    return f"{settings.PUBLIC_URL}/api/shows/{show_id}/trailer.mp3"
