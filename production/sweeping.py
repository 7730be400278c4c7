"""Finds productions again that nobody works on, and what killed workers left on the disk."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime

from core.queue import enqueue
from production.running import SIDE_BY_SIDE, renderers, work_folder
from production.services import due_productions

#: Rung for at a time; runs that end ring for the next.
AT_A_TIME = 2 * SIDE_BY_SIDE
#: A run writes to its file all the time; nothing waits longer than a stuck renderer.
WORK_FILE_SECONDS = 900
#: Longer than the longest sentence; loading the voices again takes a second or two.
IDLE_SECONDS = 600
#: About 25 hours of speech; a sentence that was swept is simply rendered again.
CACHE_BYTES = 4 * 2**30


def sweep_productions(*, now: datetime) -> None:
    """Ring for what is due or abandoned, and keep the work folder and the sentence cache small."""
    for production_id in due_productions(now=now, limit=AT_A_TIME):
        enqueue("production.run", production_id=production_id)
    oldest = time.time() - WORK_FILE_SECONDS
    for path in work_folder().iterdir():
        with suppress(FileNotFoundError):  # a run that ends just now removes its own
            if path.stat().st_mtime < oldest:
                path.unlink()
    pool = renderers()
    pool.cache.shrink(largest_bytes=CACHE_BYTES)
    pool.rest(idle_seconds=IDLE_SECONDS)
