"""`manage.py load_networks NAME FILE`: puts a table of networks into force on this machine."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from analytics.network_files import parse_table
from analytics.networks import TABLES, write_table
from core.errors import PodwrightError


class Command(BaseCommand):
    help = "Load a table of networks for counting; every web machine needs its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=TABLES)
        parser.add_argument("file", type=Path)
        parser.add_argument("--as-version", default="", help="Default: a part of the digest.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            table = parse_table(
                options["name"],
                options["file"].read_bytes(),
                version=options["as_version"],
                now=timezone.now(),
            )
            write_table(settings.DATA_DIR / "networks", table)
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be used ({error.strerror}).") from None
        except PodwrightError as error:
            raise CommandError(error.message) from None
        ranges = sum(len(one.firsts) for one in table.ranges.values())
        members = ranges + len(table.as_numbers) + len(table.safe)
        self.stdout.write(
            f"{table.name}: {members:,} entries of version {table.version} are used within a minute "
            f"(sha256 {table.sha256})."
        )
