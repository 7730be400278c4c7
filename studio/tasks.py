"""Background work of the Studio: reading sources, and the sweep that finds what waits."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.queue import enqueue
from studio.reading import due_sources, read_source


@shared_task(name="studio.read_source")
def read_source_task(*, source_id: int, **_: object) -> None:
    """Read a source."""
    read_source(source_id=source_id, now=timezone.now())


@shared_task(name="studio.sweep")
def sweep_studio_task(**_: object) -> None:
    """Ring for sources that wait or were abandoned."""
    now = timezone.now()
    for source_id in due_sources(now=now):
        enqueue("studio.read_source", source_id=source_id)
