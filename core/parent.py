"""Ends this process when the one that started it is gone, so that a killed parent leaves no orphan."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time

#: Set by `manage.py up` for its children to its own process id; elsewhere (gunicorn, systemd)
#: nobody is watched.
VARIABLE = "PODWRIGHT_SUPERVISED"
CHECK_EVERY_SECONDS = 0.5


def mark_children() -> None:
    """Have every process that is started from now on end with this one (if it calls below)."""
    os.environ[VARIABLE] = str(os.getpid())


def end_with_parent(*, always: bool = False) -> None:
    """Start a thread that ends this process once its parent process has died.

    Does nothing unless `manage.py up` started the process tree or `always` is given. A thread that
    looks is used rather than Linux's parent-death signal: that one fires when the *thread* which
    started the child ends, and render processes are started by pool threads that come and go.
    """
    supervisor = os.environ.get(VARIABLE, "")
    if not always and not supervisor:
        return
    relative = multiprocessing.parent_process()
    parent = os.getppid()
    if relative is None and not always and supervisor.isdigit():
        # A direct child of `up` knows whom to expect: `up` may have died before this line.
        parent = int(supervisor)
    threading.Thread(
        target=_watch, args=(parent, relative), name="parent-watch", daemon=True
    ).start()


def _watch(parent: int, relative: multiprocessing.process.BaseProcess | None) -> None:
    # Under multiprocessing's fork server the system's parent is the server, not the one that asked:
    # both must live.
    while os.getppid() == parent and (relative is None or relative.is_alive()):
        time.sleep(CHECK_EVERY_SECONDS)
    # Not sys.exit: other threads must not keep an orphan alive.
    os._exit(1)
