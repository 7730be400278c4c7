"""`manage.py issue_key`: makes one more key of the operator's own account and shows it once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.services import ensure_operator_account
from core.errors import PodwrightError
from keys.services import issue_key


class Command(BaseCommand):
    help = "Make one more API key of the operator's own account; it is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="operator", help="What the key is for.")
        parser.add_argument(
            "--scope", action="append", help="Limit the key; may be repeated. Default: full access."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            issued = issue_key(
                account=ensure_operator_account(now=now),
                name=options["name"],
                scopes=options["scope"],
                actor="issue_key command",
                now=now,
            )
        except PodwrightError as error:
            raise CommandError(error.message) from None
        self.stdout.write(issued.secret)
