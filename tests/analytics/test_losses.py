"""Tests of the alarm that lost hits raise."""

from __future__ import annotations

import os
import time

import pytest

from analytics import losses as losses_module
from analytics.losses import HitsLost, Losses, check_counting, read_losses
from analytics.spool import Spool


@pytest.fixture
def full_disk(data_dir, monkeypatch):
    """A spool that has begun, on a disk that then became full."""
    spool = Spool(data_dir / "spool")
    assert spool.append(b"one\n")

    spool.seal()

    def refuse(folder, size):
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr("analytics.spool.open_segment", refuse)
        yield spool
    spool.close()


def test_is_quiet_while_nothing_is_lost(data_dir):
    check_counting()

    assert read_losses(data_dir / "spool") == Losses(total=0, last_at=0)


def test_counts_for_the_whole_machine_and_for_good(full_disk, data_dir):
    started = int(time.time())
    full_disk.append(b"two\n")
    full_disk.append(b"three\n")

    found = read_losses(data_dir / "spool")
    assert found.total == 2
    assert found.last_at >= started


def test_makes_the_instance_unready_for_two_minutes(client, db, full_disk, monkeypatch):
    full_disk.append(b"two\n")

    with pytest.raises(HitsLost):
        check_counting()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["counting"] is False
    monkeypatch.setattr(losses_module, "ALARM_SECONDS", -1)
    check_counting()
