"""Absolute addresses of an episode's page and of the address that listeners download from."""

from __future__ import annotations

from django.conf import settings

from episodes.models import Episode


def episode_page_url(episode: Episode) -> str:
    """The public page of an episode; needs `episode.show`."""
    return f"{settings.PUBLIC_URL}/shows/{episode.show.slug}/{episode.public_id}"
