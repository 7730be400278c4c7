"""The Celery application: tasks carry ids only, and every kind of row has a sweep that finds it again."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import structlog
from celery import Celery, Task, signals
from django.conf import settings
from django.db import connections

from config.broker import SCHEME
from config.env import BadSetting
from core.heap import share_heaps
from core.parent import end_with_parent
from core.queue import enqueue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
log = structlog.get_logger(__name__)

#: Sweeps by registered task name; each finds rows that are due or whose lease has expired.
SWEEP_EVERY_SECONDS = 60
#: People set a time on the clock and look: the schedule is one query on a small index.
PUBLISH_EVERY_SECONDS = 5
SWEEPS = (
    "production.sweep",
    "narration.sweep",
    "episodes.publish_due",
    "episodes.sweep_copies",
    "episodes.sweep_files",
    "analytics.sweep",
    "feeds.sweep",
    "studio.sweep",
    "webhooks.sweep",
    "billing.sweep",
    "core.sweep_requests",
)
#: Longer than a production's lease (production.services.LEASE).
SECOND_LOOK_SECONDS = 32
#: Productions wait for the render processes most of their time, so threads are cheap here.
WORKER_THREADS = 32

app = Celery("podwright")
_started: ContextVar[float] = ContextVar("started")


def broker_folder(data_dir: Path) -> Path:
    """Where messages lie as files when there is no Redis."""
    return data_dir / "broker"


def broker_settings(data_dir: Path, redis_url: str) -> dict[str, Any]:
    """Redis where there is one, else files below DATA_DIR: the queue itself is the database."""
    if redis_url:
        # A request must not wait for a broker that hangs: one try, then it is the sweep's turn.
        # Reading for messages blocks a second at a time, so two seconds mean that nobody is there.
        patience = {
            "socket_connect_timeout": 1,
            "socket_timeout": 2,
            "retry_on_timeout": False,
            "max_retries": 0,
        }
        return {"broker_url": redis_url, "broker_transport_options": patience}
    messages = broker_folder(data_dir)
    return {
        "broker_url": f"{SCHEME}://localhost//",
        "broker_transport_options": {
            "data_folder_in": str(messages),
            "data_folder_out": str(messages),
            "control_folder": str(messages),
            "polling_interval": 0.1,
        },
    }


def _settings() -> tuple[Path, str]:
    """DATA_DIR and REDIS_URL; a bad setting ends `celery -A config.celery` in one line."""
    try:
        return settings.DATA_DIR, settings.ENVIRONMENT.redis_url
    except BadSetting as error:
        # `manage.py` has its own way of saying it.
        if Path(sys.argv[0]).name == "celery":
            raise SystemExit(str(error)) from None
        raise


def _seconds_between(sweep: str) -> int:
    return PUBLISH_EVERY_SECONDS if sweep == "episodes.publish_due" else SWEEP_EVERY_SECONDS


app.conf.update(
    **broker_settings(*_settings()),
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=2,
    task_ignore_result=True,
    task_publish_retry=False,
    task_default_queue="podwright",
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_pool="threads",
    worker_concurrency=WORKER_THREADS,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    enable_utc=True,
    timezone="UTC",
    # A sweep that nobody ran before the next one is dropped: the next one does the same work.
    beat_schedule={
        name: {
            "task": name,
            "schedule": _seconds_between(name),
            "options": {"expires": _seconds_between(name)},
        }
        for name in SWEEPS
    },
    # In memory: due times live in rows, so the clock has nothing to remember and no file to spoil.
    beat_scheduler="celery.beat:Scheduler",
)


@signals.setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """Being connected is enough: Celery then leaves logging as Django configured it."""


@signals.worker_init.connect
def _share_heaps(**_: object) -> None:
    share_heaps()


@signals.worker_init.connect
@signals.beat_init.connect
def _end_with_parent(**_: object) -> None:
    end_with_parent()


@signals.worker_ready.connect
def _catch_up(**_: object) -> None:
    """Look for all that became due while no worker was there, and once more for killed work.

    What a killed worker held is free when its lease ends, which may be just after the first look.
    """
    _sweep()
    later = threading.Timer(SECOND_LOOK_SECONDS, _sweep)
    later.daemon = True
    later.start()


def _sweep() -> None:
    for name in SWEEPS:
        enqueue(name)
    # The timer's thread ends here, and its connection with it.
    connections.close_all()


@signals.before_task_publish.connect
def _send_request_id(headers: dict[str, object], **_: object) -> None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id is not None:
        headers["request_id"] = request_id


@signals.task_prerun.connect
def _bind_ids(task_id: str, task: Task[Any, Any], **_: object) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task_id=task_id, task=task.name)
    request_id = getattr(task.request, "request_id", None)
    if request_id is not None:
        structlog.contextvars.bind_contextvars(request_id=request_id)
    _started.set(time.perf_counter())


@signals.task_postrun.connect
def _log_end(task: Task[Any, Any], state: str | None = None, **_: object) -> None:
    # A sweep runs every minute and mostly finds nothing: only its failure is news.
    if task.name not in SWEEPS or state != "SUCCESS":
        seconds = time.perf_counter() - _started.get()
        log.info("task_finished", state=state, milliseconds=round(seconds * 1000, 1))
    structlog.contextvars.clear_contextvars()
