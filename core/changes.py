"""Tells every process that something public changed: a stamp for each show, in memory that they share.

Whoever keeps a copy of published state keeps the stamp that it read before it read the state, and
compares the two before each use, which takes a tenth of a microsecond and asks nobody.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction

from core.shared_words import SharedWords

log = structlog.get_logger(__name__)

#: PostgreSQL's channel: the other machines hear of a change here (edge/watching.py).
CHANNEL = "podwright_changes"
#: Two shows with one slot cost each other a look at the database now and then, nothing else.
SLOTS = 65_536

#: Called with the show's id after its stamp changed, in the process that made or heard of the change.
RECEIVERS: list[Callable[[int], None]] = []


class ChangeStamps:
    """The stamps of one machine's shows. `words[slot(show_id)]` is the present one.

    `words[ANY]` changes with every change and before the show's own stamp does, so that a state that
    was read while `words[ANY]` stood still is that of the stamp which was read meanwhile.
    """

    ANY = 0

    def __init__(self, path: Path) -> None:
        try:
            self.words: memoryview | _NeverTwice = SharedWords(path, 1 + SLOTS).words
        except OSError as error:
            # Nobody can tell us of changes, so nothing that is kept may be used again.
            log.error("change_stamps_missing", error=type(error).__name__)  # noqa: TRY400 - said
            self.words = _NeverTwice()

    @staticmethod
    def slot(show_id: int) -> int:
        """Where the show's stamp is."""
        return 1 + show_id % SLOTS

    def change(self, show_id: int) -> None:
        """Give the show another stamp. Random ones need no lock: no two changes make the same."""
        self.words[self.ANY] = secrets.randbits(63)
        self.words[self.slot(show_id)] = secrets.randbits(63)


class _NeverTwice:
    """Stands in for the words: every look gives another number."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def __getitem__(self, index: int) -> int:
        return next(self._numbers)

    def __setitem__(self, index: int, value: int) -> None:
        pass


def change_stamps() -> ChangeStamps:
    """The stamps below DATA_DIR."""
    return _stamps_at(settings.DATA_DIR / "changes")


@lru_cache(maxsize=8)
def _stamps_at(path: Path) -> ChangeStamps:
    return ChangeStamps(path)


def announce_change(show_id: int) -> None:
    """Tell everybody once the running transaction has committed; demands such a transaction.

    Processes of this machine know before the change is answered, other machines within a second.
    """
    connection = transaction.get_connection()
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "A public change is announced with the change."
        )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(show_id)])

    def tell() -> None:
        tell_of_change(show_id)

    # robust: what fails in telling must not fail the change, which is already made.
    transaction.on_commit(tell, robust=True)


def tell_of_change(show_id: int) -> None:
    """Change the show's stamp on this machine and let the receivers know."""
    change_stamps().change(show_id)
    for receive in RECEIVERS:
        receive(show_id)
