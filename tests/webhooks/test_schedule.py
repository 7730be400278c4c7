from __future__ import annotations

from datetime import timedelta

import pytest

from webhooks.schedule import LONGEST_WAIT, MAX_ATTEMPTS, RETRY_AFTER, parse_retry_after, retry_at


class TestRetryAt:
    def test_waits_5_s_then_longer_up_to_a_day(self, now):
        waits = [
            retry_at(attempts=number, now=now, asked_for=None, chance=0) - now
            for number in range(1, MAX_ATTEMPTS)
        ]

        assert [wait.total_seconds() for wait in waits] == [
            5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
        ]  # fmt: skip

    def test_gives_up_after_the_tenth_attempt(self, now):
        assert retry_at(attempts=10, now=now, asked_for=None, chance=0) is None
        assert retry_at(attempts=9, now=now, asked_for=None, chance=0) is not None

    def test_spreads_the_waits_upwards_by_a_fifth_at_most(self, now):
        latest = retry_at(attempts=2, now=now, asked_for=None, chance=1)

        assert latest - now == RETRY_AFTER[1] * 1.2

    def test_is_prolonged_but_never_shortened_by_what_the_endpoint_asks(self, now):
        def wait(asked):
            return retry_at(attempts=2, now=now, asked_for=asked, chance=0) - now

        assert wait(timedelta(hours=1)) == timedelta(hours=1)
        assert wait(timedelta(seconds=1)) == RETRY_AFTER[1]
        assert wait(timedelta(days=400)) == LONGEST_WAIT


class TestParseRetryAfter:
    def test_reads_seconds_and_dates(self, now):
        assert parse_retry_after("120", now=now) == timedelta(minutes=2)
        in_an_hour = "Sat, 14 Mar 2026 13:00:00 GMT"
        assert parse_retry_after(in_an_hour, now=now) == timedelta(hours=1)
        assert parse_retry_after("Sat, 14 Mar 2020 13:00:00 GMT", now=now) == timedelta()

    @pytest.mark.parametrize(
        "header", ["", "soon", "-5", "1.5", "\u0661", "Sat, 99 Foo 0 x", "\x00"]
    )
    def test_ignores_what_is_neither(self, header, now):
        assert parse_retry_after(header, now=now) is None

    def test_takes_a_huge_number_as_the_longest_wait(self, now):
        assert parse_retry_after("9" * 5_000, now=now) == LONGEST_WAIT
