"""Background care of the feeds' files."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from feeds.sweeping import sweep_feeds
from shows.services import forget_deleted_shows


@shared_task(name="feeds.sweep")
def sweep_task(**_: object) -> None:
    """Remove the feeds of deleted shows, and after a day the word that they are gone."""
    sweep_feeds(settings.DATA_DIR / "feeds")
    forget_deleted_shows(before=timezone.now() - timedelta(days=1))
