"""Ends this process when the one that started it is gone, so that a killed parent leaves no orphan."""

from __future__ import annotations

import os
import threading
import time

#: Set by `manage.py up` for its children; elsewhere (gunicorn, systemd) nobody is watched.
VARIABLE = "PODWRIGHT_SUPERVISED"
CHECK_EVERY_SECONDS = 0.5


def end_with_parent(*, always: bool = False) -> None:
    """Start a thread that ends this process once its parent process has died.

    Does nothing unless `manage.py up` started the process tree or `always` is given.
    """
    if not always and os.environ.get(VARIABLE) != "1":
        return
    parent = os.getppid()
    threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(CHECK_EVERY_SECONDS)
    # Not sys.exit: other threads must not keep an orphan alive.
    os._exit(1)
