"""`manage.py purge_show_numbers ID`: removes everything that was counted for a show."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from analytics.feeding import count_waiting
from analytics.purging import purge_show


class Command(BaseCommand):
    help = "Remove hits, rows and sums of a show for good; the usage ledger keeps its numbers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("show", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        # What still waits would come back as rows of nobody.
        count_waiting(clock=timezone.now)
        removed = purge_show(show_id=options["show"])
        self.stdout.write(f"{removed} rows removed.")
