"""Finds productions again that nobody works on, and what killed workers left on the disk."""

from __future__ import annotations

import time
from datetime import datetime

from core.queue import enqueue
from production.running import SIDE_BY_SIDE, renderers, work_folder
from production.services import due_productions

#: Rung for at a time; runs that end ring for the next.
AT_A_TIME = 2 * SIDE_BY_SIDE
WORK_FILE_SECONDS = 24 * 3600
#: About 250 hours of speech; a sentence that was swept is simply rendered again.
CACHE_BYTES = 4 * 2**30


def sweep_productions(*, now: datetime) -> None:
    """Ring for what is due or abandoned, and keep the work folder and the sentence cache small."""
    for production_id in due_productions(now=now, limit=AT_A_TIME):
        enqueue("production.run", production_id=production_id)
    oldest = time.time() - WORK_FILE_SECONDS
    for path in work_folder().iterdir():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
    renderers().cache.shrink(largest_bytes=CACHE_BYTES)
