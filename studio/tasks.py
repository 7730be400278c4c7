"""Background work of the Studio: sources, generations, and the sweep that finds what waits."""

from __future__ import annotations

from celery import shared_task, signals
from django.utils import timezone

from core.queue import enqueue
from studio.generating import drop_broken_plans
from studio.making import (
    SIDE_BY_SIDE,
    ended_productions,
    follow_production,
    make_episode,
    ring_for_next,
    shut_down,
)
from studio.reading import due_sources, read_source


@shared_task(name="studio.read_source")
def read_source_task(*, source_id: int, **_: object) -> None:
    """Read a source."""
    read_source(source_id=source_id, now=timezone.now())


@shared_task(name="studio.generate")
def generate_task(*, generation_id: int, **_: object) -> None:
    """Write an episode's script and hand it to production."""
    make_episode(generation_id=generation_id, clock=timezone.now)


@shared_task(name="studio.production_ended")
def production_ended_task(*, episode_id: int, **_: object) -> None:
    """Take over how an episode's production ended."""
    follow_production(episode_id=episode_id, now=timezone.now())


@shared_task(name="studio.sweep")
def sweep_studio_task(**_: object) -> None:
    """Ring for all that waits, was abandoned, or has ended unheard."""
    now = timezone.now()
    drop_broken_plans(now=now)
    for source_id in due_sources(now=now):
        enqueue("studio.read_source", source_id=source_id)
    for episode_id in ended_productions():
        enqueue("studio.production_ended", episode_id=episode_id)
    ring_for_next(now=now, limit=4 * SIDE_BY_SIDE)


@signals.worker_shutting_down.connect
def _give_back_generations(**_: object) -> None:
    shut_down()
