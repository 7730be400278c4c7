"""A Podwright for the figures: its settings, its filled database, its web server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from _serving import CORES, ROOT, SERVER_CORE, free_port, running, server

from config.env import read_environment

WEB = [sys.executable, "manage.py", "web"]
#: What an operator gets who sets nothing.
DEFAULT_THREADS = read_environment().web_threads
ALL_CORES = ",".join(str(core) for core in CORES)


def ours(tmp: Path, port: int, extra: dict[str, str] | None = None) -> dict[str, str]:
    return {
        "DATA_DIR": str(tmp / "data"),
        "SECRET_KEY": "only-for-the-bench-" + "x" * 50,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        # The same at every start: feeds hold it, and with it their ETag would change.
        "PUBLIC_URL": "http://127.0.0.1",
        "WORKERS": "1",
        "DEFAULT_PLAN": "enterprise",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'bench'}",
        **(extra or {}),
    }


def seeded(
    tmp: Path, port: int, *, shows: int, episodes: int, media_bytes: int = 0
) -> dict[str, str]:
    """A migrated database in tmp/data; the ids of shows and of their episodes have no gaps."""
    (tmp / "data").mkdir()
    tmp.chmod(0o755)  # nginx reads its files as another user
    environment = os.environ | ours(tmp, port)
    manage = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(manage, cwd=ROOT, env=environment, check=True)
    seed = [sys.executable, "bench/_seed.py", str(shows), str(episodes), str(media_bytes)]
    done = subprocess.run(
        seed, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def started(tmp: Path, extra: dict[str, str] | None = None, *, cores: str = SERVER_CORE):
    """The web server alone, with (port, pid) while the block runs."""
    port = free_port()
    return running((port, server(WEB, port=port, environment=ours(tmp, port, extra), cores=cores)))
