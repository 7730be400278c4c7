"""`manage.py web`: serves HTTP with granian, one worker process a core."""

from __future__ import annotations

import logging
import resource
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from core.parent import end_with_parent

#: Each worker's: granian accepts nobody beyond `backpressure` connections, and those that say nothing
#: count. An idle one costs a file descriptor and a few kilobytes.
MOST_CONNECTIONS = 16_384
#: Of a worker: the database, spool and log files, feeds and media that are being sent.
OTHER_FILES = 1_024
#: Waiting to be accepted; the kernel's own limit (net.core.somaxconn) is 4,096 on today's systems.
BACKLOG = 4_096
#: For a request's head, and for silence between two requests, in milliseconds.
HEAD_TIMEOUT_MS = 15_000
#: The longest head, and what is read ahead or not yet sent: held for each connection at worst.
BUFFER_BYTES = 65_536
KILL_AFTER_SECONDS = 5


class Command(BaseCommand):
    help = "Serve HTTP on HOST and PORT (a part of `up`, for set-ups of several machines)."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        end_with_parent()
        server = Server(
            "config.wsgi:application",
            address=settings.HOST,
            port=settings.PORT,
            interface=Interfaces.WSGI,
            # Without it a connection that says nothing has no time limit, as it may yet choose HTTP/2.
            http=HTTPModes.http1,
            workers=settings.WORKERS,
            blocking_threads=settings.WEB_THREADS,
            backlog=BACKLOG,
            backpressure=connections_for(raised_file_limit()),
            http1_settings=HTTP1Settings(
                header_read_timeout=HEAD_TIMEOUT_MS, max_buffer_size=BUFFER_BYTES
            ),
            websockets=False,
            log_level=LogLevels.warning,
            log_dictconfig=settings.LOGGING,
            respawn_failed_workers=True,
            workers_kill_timeout=KILL_AFTER_SECONDS,
            process_name="podwright web",
        )
        logging.getLogger("_granian").addFilter(is_news)
        server.serve()


def is_news(record: logging.LogRecord) -> bool:
    """False for the server's advice against many threads, which do no work here (config/crew.py)."""
    return not record.getMessage().startswith("Configuration allows spawning")


def raised_file_limit() -> int:
    """The open files that a worker may have, after taking as many as the system gives unasked.

    Usual soft limits of 1,024 are for programs that use select(); workers inherit the new one.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def connections_for(files: int) -> int:
    """How many connections a worker may have that may open so many files.

    With one more than it can open, it would fail to accept it again and again without pause.
    """
    return max(files - OTHER_FILES, files // 2)
