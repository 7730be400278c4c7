"""The API beside bare views: a list of 50 episodes, and the creation of one.

`python bench/api.py [--quick]`. The floor (`_bare_api.py`) knows no keys, scopes, limits, quota, audit,
events or feeds; it reads and writes the same rows with the same settings, on as many threads as
Podwright lets use the database.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from _ours import ours, seeded, started
from _serving import Load, free_port, granian, header, medians, row, running

from config.crew import USUAL_THREADS

#: The most there is: a request is counted against it, and none is refused.
LIMIT = {"REQUESTS_PER_MINUTE": "1000000"}
#: SQLite has one writer; more would measure how they wait for each other.
WRITERS = 4
EPISODE = {
    "title": "What agents shipped",
    "description": "What happened, and what follows from it. " * 20,
    "audio_url": "https://cdn.example.com/episode.mp3",
    "audio_length": 12_345_678,
    "duration_seconds": 1_800,
}


def loads(list_path: str, create_path: str, *headers: str) -> dict[str, Load]:
    return {
        "list": Load(list_path, headers),
        "create": Load(create_path, headers, body=json.dumps(EPISODE), connections=WRITERS),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        port = free_port()
        facts = seeded(tmp, port, shows=2, episodes=130)
        # One show is read; the other grows.
        read, grown = facts["show"], facts["show"] + 1
        own = medians(
            lambda: started(tmp, LIMIT),
            loads(
                f"/api/shows/{read}/episodes?limit=50",
                f"/api/shows/{grown}/episodes",
                f"Authorization: Bearer {facts['key']}",
            ),
            tmp,
        )
        environment = ours(tmp, port, {"WEB_THREADS": str(USUAL_THREADS)})
        bare = medians(
            lambda: running(granian("_bare_api:app", environment=environment)),
            loads(f"/list/{read}?limit=50", f"/create/{grown}"),
            tmp,
        )
        header()
        row("API list of 50 episodes", own["list"], "values, JsonResponse", bare["list"], 0.75)
        row("API create episode", own["create"], "DRF ModelSerializer", bare["create"], 0.7)


if __name__ == "__main__":
    main()
