"""`manage.py rebuild_downloads`: recounts days from the kept hits, and says what would change."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from analytics.methods import method_in_force
from analytics.naming import Namer, naming_in_force
from analytics.rebuilding import archive_span, rebuild


class Command(BaseCommand):
    help = "Recount days from the kept hits; without --apply only the difference is shown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--first", type=date.fromisoformat, help="Default: the first kept day.")
        parser.add_argument("--last", type=date.fromisoformat, help="Default: the last kept day.")
        parser.add_argument("--apply", action="store_true", help="Replace the numbers.")

    def handle(self, *args: Any, **options: Any) -> None:
        span = archive_span()
        if span is None:
            raise CommandError("No hits are kept, so nothing can be recounted.")
        first, last = options["first"] or span[0], options["last"] or span[1]
        if first > last:
            raise CommandError("--first must not be later than --last.")
        made = rebuild(
            first=first,
            last=last,
            method=method_in_force(),
            namer=Namer(naming_in_force()),
            now=timezone.now(),
            apply=options["apply"],
        )
        for row in made.differences:
            self.stdout.write(
                f"{row['day']} episode {row['episode']}: {row['before']} -> {row['after']}"
            )
        verb = "are now" if made.is_applied else "would be"
        self.stdout.write(f"{first} to {last}: {made.before} downloads {verb} {made.after}.")
