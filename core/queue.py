"""Rings the bell for a worker after commit; the row itself is the queue, so a lost bell loses nothing."""

from __future__ import annotations

import structlog
from celery import current_app
from django.db import transaction

log = structlog.get_logger(__name__)


def enqueue(task_name: str, **ids: object) -> None:
    """Send the task named `task_name` with `ids` once the running transaction has committed.

    The task is looked up in the registry, so a misspelt name raises here. A broker that is down is
    logged and forgotten: the sweep finds the row within a minute.
    """
    task = current_app.tasks[task_name]

    def send() -> None:
        try:
            task.apply_async(kwargs=ids)
        except Exception as error:  # noqa: BLE001 - any broker, any failure: the row is safe
            log.warning("bell_not_rung", task=task_name, error=type(error).__name__)

    transaction.on_commit(send)
