"""Background work of counting: the counter's bell, and the sweep of what counting keeps."""

from __future__ import annotations

from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from analytics.access_log import read_access_log
from analytics.feeding import count_waiting
from analytics.health import report_health
from analytics.keeping import audit_due, enter_ledger, forget_old
from analytics.salts import SaltStore
from analytics.shipping import shared_store, ship_sealed
from analytics.spool import seal_orphans
from analytics.watching import watch


@shared_task(name="analytics.count")
def count_task(**_: object) -> None:
    """Count what waits."""
    count_waiting(clock=timezone.now)


@shared_task(name="analytics.sweep")
def sweep_task(**_: object) -> None:
    """Count what nobody rang for, and keep house: salts, orphans, old rows, the ledger, the audit."""
    SaltStore(settings.DATA_DIR / "salts").destroy_old(now=timezone.now())
    store = shared_store()
    if store is None:
        seal_orphans(settings.DATA_DIR / "spool")
    else:
        ship_sealed(settings.DATA_DIR / "spool", store)
    if settings.ACCESS_LOG:
        read_access_log(Path(settings.ACCESS_LOG), clock=timezone.now)
    count_waiting(clock=timezone.now)
    enter_ledger(now=timezone.now())
    forget_old(now=timezone.now())
    audit_due(now=timezone.now())
    report_health(now=timezone.now())
    watch(now=timezone.now())
