"""`manage.py worker`: runs tasks in one process with threads; audio is rendered in its children."""

from __future__ import annotations

import warnings
from typing import Any

from django.core.management.base import BaseCommand

from config.celery import app


class Command(BaseCommand):
    help = "Run background tasks (a part of `up`, for set-ups of several machines)."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        # Celery warns root because of pickled messages; ours are JSON, and containers often run as root.
        warnings.filterwarnings("ignore", module=r"celery\.platforms")
        app.start(
            ["--quiet", "worker", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        )
