"""Background work on episodes: the schedule and the sweep of files."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from episodes.files import sweep_files
from episodes.schedule import publish_due


@shared_task(name="episodes.publish_due")
def publish_due_task(**_: object) -> None:
    """Publish what is due."""
    publish_due(now=timezone.now())


@shared_task(name="episodes.sweep_files")
def sweep_files_task(**_: object) -> None:
    """Remove files that nothing refers to."""
    sweep_files(now=timezone.now())
