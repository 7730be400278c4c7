"""Renews a lease from a thread, for as long as work goes on that cannot do it itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.db import DatabaseError, connections

log = structlog.get_logger(__name__)


@contextmanager
def lease_kept_up(renew: Callable[[], bool], *, every: float) -> Iterator[None]:
    """Call `renew` every so many seconds until the block ends, or it says that the lease is lost.

    A database that is away for a moment is asked again at the next beat.
    """
    done = threading.Event()

    def keep() -> None:
        is_ours = True
        try:
            while is_ours and not done.wait(every):
                try:
                    is_ours = renew()
                except DatabaseError as error:
                    log.warning("lease_not_renewed", error=type(error).__name__)
                    connections.close_all()
        finally:
            connections.close_all()

    thread = threading.Thread(target=keep, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
