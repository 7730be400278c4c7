"""Background care of the feeds' files."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from feeds.sweeping import sweep_feeds


@shared_task(name="feeds.sweep")
def sweep_task(**_: object) -> None:
    """Remove the feeds of deleted shows."""
    sweep_feeds(settings.DATA_DIR / "feeds")
