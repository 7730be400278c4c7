"""Background work of counting: the counter's bell, and the sweep of what counting keeps on disk."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from analytics.feeding import count_waiting
from analytics.salts import SaltStore
from analytics.spool import seal_orphans


@shared_task(name="analytics.count")
def count_task(**_: object) -> None:
    """Count what waits."""
    count_waiting(clock=timezone.now)


@shared_task(name="analytics.sweep")
def sweep_task(**_: object) -> None:
    """Destroy old salts also on days without listeners, seal what a killed process left, and count."""
    SaltStore(settings.DATA_DIR / "salts").destroy_old(now=timezone.now())
    seal_orphans(settings.DATA_DIR / "spool")
    count_waiting(clock=timezone.now)
