"""Background work on episodes: the schedule, copies of outside audio, and the sweeps."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.queue import enqueue
from episodes.copies import due_copies
from episodes.copying import copy_audio
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


@shared_task(name="episodes.copy_audio")
def copy_audio_task(*, copy_id: int, **_: object) -> None:
    """Copy one episode's outside audio."""
    copy_audio(copy_id=copy_id, clock=timezone.now)


@shared_task(name="episodes.sweep_copies")
def sweep_copies_task(**_: object) -> None:
    """Ring for copies that wait or were abandoned."""
    for copy_id in due_copies(now=timezone.now()):
        enqueue("episodes.copy_audio", copy_id=copy_id)
