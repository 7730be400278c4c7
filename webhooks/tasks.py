"""Background work of webhooks: the bell of the dispatcher, and the sweep."""

from __future__ import annotations

from celery import shared_task, signals
from django.utils import timezone

from webhooks.delivering import forget_old
from webhooks.dispatcher import dispatcher

#: `up` gives tasks seven seconds to end.
STOP_SECONDS = 5.0


@shared_task(name="webhooks.dispatch")
def dispatch_task(**_: object) -> None:
    """Send what is due."""
    dispatcher().ring()


@shared_task(name="webhooks.sweep")
def sweep_webhooks_task(**_: object) -> None:
    """Find what is due or abandoned, and forget what is old."""
    dispatcher().ring()
    forget_old(now=timezone.now())


@signals.worker_shutdown.connect
def _stop_sending(**_: object) -> None:
    dispatcher().stop(wait=STOP_SECONDS)
    # A worker that starts later in this process gets one of its own.
    dispatcher.cache_clear()
