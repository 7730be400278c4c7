"""Background work of narration: preparing one, and the sweep that finds what waits."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.queue import enqueue
from narration.preparing import due_narrations, prepare_narration

#: What these become is spoken before a backlog's others are prepared; the next minute rings for more.
AT_ONCE = 200


@shared_task(name="narration.prepare")
def prepare_narration_task(*, narration_id: int, **_: object) -> None:
    """Prepare a narration."""
    prepare_narration(narration_id=narration_id, now=timezone.now())


@shared_task(name="narration.sweep")
def sweep_narrations_task(**_: object) -> None:
    """Ring for narrations that wait or were abandoned."""
    for narration_id in due_narrations(now=timezone.now(), limit=AT_ONCE):
        enqueue("narration.prepare", narration_id=narration_id)
