"""A counter in a process of its own that is killed at a named point."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime


def main(point: str, moment: str) -> None:
    """Count what waits at `moment`; at `point` the process is killed as by kill -9."""
    import django  # noqa: PLC0415 - the environment comes first

    django.setup()
    from analytics import counting, feeding, segments  # noqa: PLC0415

    def kill(*_args: object, **_kwargs: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    feeding.BATCH_SEGMENTS = 2
    if point == "before the transaction":
        segments.LocalHits.keep = kill
    elif point == "inside the transaction":
        written = counting.write_results

        def write_and_die(*args: object, **kwargs: object) -> None:
            written(*args, **kwargs)
            kill()

        counting.write_results = write_and_die
    elif point == "after the transaction":
        segments.LocalHits.remove = kill
    now = datetime.fromisoformat(moment).astimezone(UTC)
    feeding.count_waiting(clock=lambda: now)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
