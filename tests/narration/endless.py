"""A reader that never comes to an end by itself, for child processes of tests."""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import NoReturn

from narration import source_process


def read_for_ever(connection: Connection) -> None:
    """As the real one, with its bounds; the article takes all processor time that there is."""
    source_process._article = _endless
    source_process.read_for(connection)


def _endless(*_: object) -> NoReturn:
    while True:
        pass
