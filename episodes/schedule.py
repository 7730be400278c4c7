"""Publishes scheduled episodes when their time has come: each once, however many clocks ring."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction

from episodes.events import record_episode_event
from episodes.locking import lock_show
from episodes.models import Episode
from episodes.states import Publication
from shows.services import note_public_change
from webhooks.event_types import EventType

log = structlog.get_logger(__name__)


def publish_due(*, now: datetime, limit: int = 500) -> int:
    """Publish scheduled episodes whose time has come; returns how many this call published.

    Each has a transaction of its own, in which it is locked and checked again: two clocks publish
    it once, and a worker that is killed midway leaves the others to the next ring.
    """
    published = 0
    for episode_id in list(Episode.objects.due(now=now).values_list("pk", flat=True)[:limit]):
        if _publish_one(episode_id, now=now):
            log.info("scheduled_episode_published", episode=episode_id)
            published += 1
    return published


def _publish_one(episode_id: int, *, now: datetime) -> bool:
    """False when it is gone, or no longer due: another worker was faster, or its owner."""
    waiting = Episode.objects.due(now=now).filter(pk=episode_id)
    with transaction.atomic(durable=True):
        show_id = waiting.values_list("show_id", flat=True).first()
        if show_id is None or not lock_show(show_id):
            return False
        episode = (
            waiting.select_for_update(of=("self",)).select_related("show__account", "asset").first()
        )
        if episode is None:
            return False
        episode.state = Publication.PUBLISHED
        episode.published_at = episode.publish_at
        episode.updated_at = now
        episode.save(update_fields=["state", "published_at", "updated_at"])
        note_public_change(show_id=episode.show_id, now=now)
        record_episode_event(episode, EventType.EPISODE_PUBLISHED, now=now)
    return True
