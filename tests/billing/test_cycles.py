from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from billing.cycles import cycle_at

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "cycle", "days"),
    [
        (timedelta(0), 0, 30),
        (timedelta(microseconds=1), 0, 30),
        (timedelta(days=12), 0, 18),
        (timedelta(days=12, seconds=1), 0, 18),
        (timedelta(days=29, hours=23), 0, 1),
        (timedelta(days=30), 1, 30),
        (timedelta(days=61), 2, 29),
    ],
)
def test_cycles_have_thirty_days_and_begun_days_count(passed, cycle, days):
    found = cycle_at(started_at=START, now=START + passed)

    assert found.start == START + cycle * timedelta(days=30)
    assert found.end - found.start == timedelta(days=30)
    assert found.days_remaining(now=START + passed) == days


def test_a_moment_before_the_start_lies_in_the_first_cycle():
    assert cycle_at(started_at=START, now=START - timedelta(days=1)).start == START
