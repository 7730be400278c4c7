"""Counts the hits that could not be written, where every process and a full disk can still count."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from core.shared_words import SharedWords

_TOTAL, _LAST_AT = 0, 1
#: How long a loss keeps /readyz red: longer than anybody's interval of asking.
ALARM_SECONDS = 120


class HitsLost(Exception):
    """Hits were lost within the last ALARM_SECONDS: most likely the disk is full."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Hits lost on this machine since its DATA_DIR was made; `last_at` is a Unix time, 0 for never."""

    total: int
    last_at: int


def losses_path(spool_folder: Path) -> Path:
    """The file of the counters, beside the spool's folder."""
    return spool_folder.with_name("lost_hits")


def open_losses(spool_folder: Path) -> SharedWords:
    """The counters. Raises `OSError`."""
    return SharedWords(losses_path(spool_folder), 2)


def count_loss(counters: SharedWords) -> None:
    """Count one lost hit."""
    counters.add(_TOTAL, 1)
    counters.words[_LAST_AT] = int(time.time())


def read_losses(spool_folder: Path) -> Losses:
    """What was lost so far; nothing when there is no spool yet."""
    if not losses_path(spool_folder).is_file():
        return Losses(total=0, last_at=0)
    counters = open_losses(spool_folder)
    try:
        return Losses(total=counters.words[_TOTAL], last_at=counters.words[_LAST_AT])
    finally:
        counters.close()


def check_counting() -> None:
    """For /readyz: raises `HitsLost` while hits get lost."""
    if time.time() - read_losses(settings.DATA_DIR / "spool").last_at < ALARM_SECONDS:
        raise HitsLost
