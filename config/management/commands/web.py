"""`manage.py web`: serves HTTP with granian, one worker process a core."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from core.parent import end_with_parent

KILL_AFTER_SECONDS = 5


class Command(BaseCommand):
    help = "Serve HTTP on HOST and PORT (a part of `up`, for set-ups of several machines)."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        end_with_parent()
        Server(
            "config.wsgi:application",
            address=settings.HOST,
            port=settings.PORT,
            interface=Interfaces.WSGI,
            workers=settings.WORKERS,
            blocking_threads=settings.WEB_THREADS,
            websockets=False,
            log_level=LogLevels.warning,
            log_dictconfig=settings.LOGGING,
            respawn_failed_workers=True,
            workers_kill_timeout=KILL_AFTER_SECONDS,
            process_name="podwright web",
        ).serve()
