"""Counting that is killed again and again counts what it would have counted at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection, connections

from analytics.counting import BatchCounter
from analytics.methods import Method
from analytics.models import Counter, Segment, Window
from config.env import BASE_DIR
from tests.analytics.hit_making import MIDNIGHT, SUMS, make_hit, piece_of, totals
from tests.factories.published import publish_external

NOW = MIDNIGHT + timedelta(days=1, hours=12)
POINTS = ("before the transaction", "inside the transaction", "after the transaction", "never")


def database_url():
    """The test's own database, as another process names it."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{name}"))


def run_child(point, *, data_dir, at):
    connections.close_all()
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DATA_DIR": str(data_dir),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    command = [sys.executable, "-m", "tests.analytics.counting_child", point, at.isoformat()]
    return subprocess.run(
        command, env=environment, cwd=BASE_DIR, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_r64_killed_at_every_point_it_gives_the_same_totals(owner, show, data_dir):
    episode = publish_external(owner, show, now=MIDNIGHT - timedelta(days=3))
    chance = random.Random(3)
    hits = [
        make_hit(
            MIDNIGHT + timedelta(seconds=chance.uniform(0, 100_000)),
            listener=f"{chance.randrange(30)}",
            episode_id=episode.pk,
        )
        for _ in range(120)
    ]
    pieces = [piece_of(*hits[start : start + 15]) for start in range(0, len(hits), 15)]
    Counter.objects.create(pk=1)
    BatchCounter(Method()).count(pieces, now=NOW)
    expected = totals()
    for model in (Counter, Segment, Window, *SUMS):
        model.objects.all().delete()
    folder = data_dir / "spool"
    folder.mkdir(parents=True)
    for piece in pieces:
        (folder / piece.name).write_bytes(b"".join(hit.pack() for hit in piece.hits))

    for number, point in enumerate(POINTS):
        # Each comes when the lease of the killed one has ended.
        ended = run_child(point, data_dir=data_dir, at=NOW + number * timedelta(minutes=5))
        wanted = 0 if point == "never" else -signal.SIGKILL
        assert ended.returncode == wanted, ended.stderr

    assert totals() == expected
    assert list(folder.iterdir()) == []
    assert Segment.objects.count() == len(pieces)
