from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from core.throttles import count_event

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


@pytest.fixture
def count(tmp_path):
    def once(key=b"a", *, now=NOON, limit=3):
        return count_event(
            tmp_path / "events", key=key, limit=limit, window=timedelta(hours=1), now=now
        )

    return once


class TestCountEvent:
    def test_tells_how_long_the_window_still_lasts_when_the_limit_is_reached(self, count):
        before = [count() for _ in range(3)]

        assert [(tally.remaining, tally.is_over) for tally in before] == [
            (2, False),
            (1, False),
            (0, False),
        ]
        over = count(now=NOON + timedelta(minutes=45))
        assert (over.remaining, over.is_over, over.resets_in) == (0, True, timedelta(minutes=15))

    def test_counts_each_key_for_itself(self, count):
        for _ in range(4):
            count(b"a")

        assert not count(b"b").is_over

    def test_lets_nothing_through_at_a_limit_of_zero(self, count):
        assert count(limit=0).is_over

    def test_never_counts_too_few_of_many_at_once(self, count):
        with ThreadPoolExecutor(16) as pool:
            tallies = list(pool.map(lambda _: count(limit=20), range(100)))

        assert [tally.is_over for tally in tallies].count(False) == 20

    def test_deletes_windows_that_are_over(self, count, tmp_path):
        for hours in range(5):
            count(now=NOON + timedelta(hours=hours))

        assert len(list((tmp_path / "events").iterdir())) == 2

    def test_gives_a_key_another_name_in_every_window(self, count, tmp_path):
        for hours in range(2):
            count(now=NOON + timedelta(hours=hours))

        files = [path for path in (tmp_path / "events").rglob("*") if path.is_file()]
        assert len({path.name for path in files}) == 2
