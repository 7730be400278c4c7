"""Tests of the background care of salts and spool files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import time_machine
from celery import current_app

from analytics.models import Segment
from analytics.salts import SaltStore


def test_the_sweep_destroys_old_salts_counts_orphans_and_may_run_twice(transactional_db, data_dir):
    now = datetime.now(UTC)  # midnight may come while it runs
    SaltStore(data_dir / "salts").at(now - timedelta(days=2))
    SaltStore(data_dir / "salts").at(now - timedelta(days=1))
    (data_dir / "spool").mkdir()
    (data_dir / "spool" / "0000000000001-left.open").write_bytes(b"line\n")

    with time_machine.travel(now, tick=False):
        for _ in range(2):
            current_app.tasks["analytics.sweep"]()

    assert len(list((data_dir / "salts").glob("2*"))) == 1
    assert list((data_dir / "spool").iterdir()) == []
    assert Segment.objects.get().name == "0000000000001-left.hits"
