"""Processes that append to a spool from several threads until they are killed.

    python -m tests.analytics.killed_writers FOLDER mapped|written

Prints as JSON: [writer, thread, number of its last line that was taken], for all.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from analytics import open_segments
from analytics.spool import Spool
from core.shared_words import SharedWords

WRITERS, THREADS = 10, 4
#: Of each thread, before its process may be killed: however slow the machine is, all are at work.
LEAST_LINES = 26
#: Long enough that many a process dies within the copy.
LONGEST = 50_000


def main() -> None:
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    open_segments.keeps_room = lambda _folder: kind == "mapped"
    taken = SharedWords(folder.with_name("taken"), WRITERS * THREADS)
    for writer in range(WRITERS):
        process = os.fork()
        if process == 0:
            append_for_ever(writer, Spool(folder, seal_bytes=1_000_000), taken)
        while min(taken.words[writer * THREADS : (writer + 1) * THREADS]) < LEAST_LINES:
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.03))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    answered = [[n // THREADS, n % THREADS, last] for n, last in enumerate(taken.words)]
    sys.stdout.write(json.dumps(answered))


def append_for_ever(writer: int, spool: Spool, taken: SharedWords) -> None:
    def append(thread: int) -> None:
        number = 0
        while True:
            number += 1
            length = random.randrange(1_001, LONGEST)
            line = b"%d %d %d %d %s\n" % (writer, thread, number, length, b"x" * length)
            if not spool.append(line):
                os._exit(1)
            # The process may be killed from here on: this line must be there.
            taken.words[writer * THREADS + thread] = number

    for thread in range(1, THREADS):
        threading.Thread(target=append, args=(thread,), daemon=True).start()
    append(0)


if __name__ == "__main__":
    main()
