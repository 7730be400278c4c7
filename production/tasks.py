"""Background work of production: one run, and the sweep that finds what needs one."""

from __future__ import annotations

from celery import shared_task, signals
from django.utils import timezone

from production.render_pool import close_shared_pools
from production.running import run_production, shut_down
from production.sweeping import sweep_productions


@shared_task(name="production.run")
def run_production_task(*, production_id: int, **_: object) -> None:
    """Run a production."""
    run_production(production_id=production_id, clock=timezone.now)


@shared_task(name="production.sweep")
def sweep_productions_task(**_: object) -> None:
    """Find waiting and abandoned productions."""
    sweep_productions(now=timezone.now())


@signals.worker_shutting_down.connect
def _give_back_productions(**_: object) -> None:
    shut_down()


@signals.worker_shutdown.connect
def _end_renderers(**_: object) -> None:
    close_shared_pools()
