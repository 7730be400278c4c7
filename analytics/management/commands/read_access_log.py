"""`manage.py read_access_log [FILE]`: counts what a proxy's access log has gained."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from analytics.access_log import read_access_log


class Command(BaseCommand):
    help = "Count what the access log (JSON of nginx or Caddy) has gained since it was read last."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", help="Default: the setting ACCESS_LOG.")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["file"] or settings.ACCESS_LOG
        if not name:
            raise CommandError("Name the log, or set ACCESS_LOG.")
        hits = read_access_log(Path(name), clock=timezone.now)
        self.stdout.write(f"{hits} hits.")
