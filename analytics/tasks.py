"""Background care of what counting keeps on disk: old salts, and spool files of dead processes."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from analytics.salts import SaltStore
from analytics.spool import seal_orphans


@shared_task(name="analytics.sweep")
def sweep_task(**_: object) -> None:
    """Destroy salts also on days without listeners; seal what a killed process left open."""
    SaltStore(settings.DATA_DIR / "salts").destroy_old(now=timezone.now())
    seal_orphans(settings.DATA_DIR / "spool")
