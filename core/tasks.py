"""Background work of core: forgetting old answers."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.idempotency import sweep_requests


@shared_task(name="core.sweep_requests")
def sweep_requests_task(**_: object) -> None:
    """Delete the answers that are kept no longer."""
    sweep_requests(now=timezone.now())
