"""`manage.py up`: prepares the machine and runs web, worker and clock as one process tree."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection
from django.utils import timezone

from config.broker import forget_messages
from config.celery import broker_folder
from config.env import BASE_DIR
from config.first_start import answers, hold_data_dir, require_free_port
from config.migrating import migration_lock
from config.operator import FirstSecrets, ensure_operator
from config.welcome import welcome
from core.supervisor import Program, Supervisor

PARTS = ("web", "worker", "clock")


class Command(BaseCommand):
    help = "Run everything: prepare the database on the first start, then web, worker and clock."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--end-with-parent",
            action="store_true",
            help="End also when the process that started this one is gone (make run does this).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        starter = os.getppid()
        with hold_data_dir(settings.DATA_DIR):
            require_free_port(settings.HOST, settings.PORT)
            made = self._prepare_database()
            self._say(welcome(base_url=settings.PUBLIC_URL, made=made))
            # A worker sweeps when it starts: bells of the last run would only ring twice.
            forget_messages(broker_folder(settings.DATA_DIR))
            connection.close()
            announcement = _Announcement(self._say)
            Supervisor(
                [_program(name) for name in PARTS],
                end_when=lambda: options["end_with_parent"] and os.getppid() != starter,
            ).run(on_look=announcement.look)

    def _prepare_database(self) -> FirstSecrets:
        self.check()
        try:
            with migration_lock():
                call_command("migrate", interactive=False, verbosity=0)
                return ensure_operator(now=timezone.now())
        except OperationalError as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"DATABASE_URL: the database cannot be used ({reason}).") from None

    def _say(self, text: str) -> None:
        # Whoever reads the output may have gone (a closed pipe): the service goes on.
        with suppress(BrokenPipeError):
            self.stdout.write(text)
            self.stdout.flush()


class _Announcement:
    """Says once that requests are answered."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said = False

    def look(self) -> None:
        if not self._said and answers(settings.HOST, settings.PORT):
            self._said = True
            self._say(f"Ready: {settings.PUBLIC_URL} (Ctrl-C ends everything)")


def _program(name: str) -> Program:
    return Program(name=name, command=(sys.executable, str(BASE_DIR / "manage.py"), name))
