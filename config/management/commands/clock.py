"""`manage.py clock`: rings for the schedule and the sweeps; two clocks at once do no harm."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.celery import app


class Command(BaseCommand):
    help = "Start the schedule and the sweeps (a part of `up`, for set-ups of several machines)."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        app.start(["--quiet", "beat"])
