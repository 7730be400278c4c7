"""`manage.py load_user_agents FOLDER`: puts OPAWG's user-agents-v2 into force."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from analytics.agent_lists import FILES
from analytics.naming import load_agent_list
from core.errors import PodwrightError


class Command(BaseCommand):
    help = (
        "Load the six JSON files of OPAWG's user-agents-v2 (its folder src) as the list of agents."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--as-version", default="", help="Default: a part of the digest.")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            files = {name: (folder / f"{name}.json").read_bytes() for name in FILES}
            made = load_agent_list(files=files, version=options["as_version"], now=timezone.now())
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be read ({error.strerror}).") from None
        except PodwrightError as error:
            raise CommandError(error.message) from None
        self.stdout.write(
            f"Version {made.version} is in force for what is counted from now on "
            f"(sha256 {made.sha256})."
        )
