"""Two web workers on two cores beside one worker, with wrk on the same cores; reported without target.

`python bench/workers.py [--quick]`. What more a second worker gives when nothing else is added.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from _ours import ALL_CORES, seeded, started
from _serving import AGENTS, Load, free_port, header, medians, row


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        facts = seeded(tmp, free_port(), shows=1, episodes=130)
        loads = {
            "feed 200 gzip": Load(
                f"/api/shows/{facts['show']}/feed", ("Accept-Encoding: gzip",), cores=ALL_CORES
            ),
            "track 302, counted": Load("/api/track/1.mp3", script=AGENTS, cores=ALL_CORES),
        }
        one, two = (
            medians(lambda: started(tmp, {"WORKERS": count}, cores=ALL_CORES), loads, tmp)  # noqa: B023
            for count in ("1", "2")
        )
        header()
        for name in loads:
            row(f"{name}, two workers", two[name], "one worker", one[name], None)


if __name__ == "__main__":
    main()
