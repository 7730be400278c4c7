"""The Celery application: tasks carry ids only, and every kind of row has a sweep that finds it again."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

#: Sweeps by registered task name; each finds rows that are due or whose lease has expired.
SWEEP_EVERY_SECONDS = 60
SWEEPS = ("production.sweep", "narration.sweep", "episodes.publish_due", "episodes.sweep_files")

app = Celery("podwright")


def _broker(data_dir: Path, redis_url: str) -> dict[str, object]:
    """Redis where there is one, else files below DATA_DIR: the queue itself is the database."""
    if redis_url:
        return {"broker_url": redis_url}
    folder = data_dir / "broker"
    messages, control = folder / "messages", folder / "control"
    for path in (messages, control):
        path.mkdir(parents=True, exist_ok=True)
    return {
        "broker_url": "filesystem://",
        "broker_transport_options": {
            "data_folder_in": str(messages),
            "data_folder_out": str(messages),
            "control_folder": str(control),
            "polling_interval": 0.1,
        },
    }


app.conf.update(
    **_broker(settings.DATA_DIR, settings.ENVIRONMENT.redis_url),
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=2,
    task_ignore_result=True,
    task_publish_retry=False,
    task_default_queue="podwright",
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    enable_utc=True,
    timezone="UTC",
    beat_schedule={name: {"task": name, "schedule": SWEEP_EVERY_SECONDS} for name in SWEEPS},
    beat_schedule_filename=str(settings.DATA_DIR / "clock"),
)
