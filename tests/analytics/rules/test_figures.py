"""Rules R49 to R59 of contracts/analytics.md: the numbers agree with each other and stay."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db.models import Sum

from analytics.answers import (
    Interval,
    account_numbers,
    episode_funnel,
    episode_numbers,
    listener_numbers,
    period_start,
    standing,
)
from analytics.models import EpisodeDay, EpisodeTotal, FunnelDay, ShowDay
from analytics.serializers import account_analytics, listener_analytics, wanted_interval
from analytics.sketches import EXACT_UP_TO, STANDARD_ERROR, ListenerHashes, union_count
from tests.analytics.hit_making import MIDNIGHT, make_hit

NOON = MIDNIGHT + timedelta(hours=12)
DAY = timedelta(days=1)


def interval(first=MIDNIGHT, days=30):
    return Interval(first, first + days * DAY)


def numbers(period="day", **span):
    return account_numbers(1, interval(**span), period=period, is_full=True)


def three_days():
    return [
        make_hit(NOON + number * DAY, listener=f"{person}", episode_id=person % 2 + 1)
        for number in range(3)
        for person in range(number + 2)
    ]


def test_r49_sums_agree_and_days_without_downloads_are_there(downloads):
    total = downloads(*three_days(), now=NOON + DAY)

    found = numbers()
    assert total == 9
    assert found.total == sum(amount for _day, amount in found.series) == total
    assert len(found.series) == 30
    assert ShowDay.objects.aggregate(all=Sum("downloads"))["all"] == total
    assert EpisodeDay.objects.aggregate(all=Sum("downloads"))["all"] == total
    assert EpisodeTotal.objects.aggregate(all=Sum("downloads"))["all"] == total


def test_r49_intervals_are_half_open(downloads):
    downloads(make_hit(MIDNIGHT), make_hit(MIDNIGHT + DAY, listener="ben"))

    assert numbers(days=1).total == 1


@pytest.mark.parametrize(
    ("day", "period", "start"),
    [
        (date(2026, 3, 15), "week", date(2026, 3, 9)),
        (date(2026, 3, 16), "week", date(2026, 3, 16)),
        (date(2027, 1, 1), "week", date(2026, 12, 28)),
        (date(2028, 2, 29), "month", date(2028, 2, 1)),
        (date(2026, 3, 15), "day", date(2026, 3, 15)),
    ],
)
def test_r50_weeks_start_on_monday_and_months_on_the_first(day, period, start):
    assert period_start(day, period) == start


@pytest.mark.parametrize("period", ["week", "month"])
def test_r50_periods_hold_what_their_days_hold(downloads, period):
    downloads(*three_days(), now=NOON + DAY)

    assert sum(amount for _start, amount in numbers(period=period).series) == 9


def test_r51_the_last_30_days_are_today_and_29_before(downloads):
    EpisodeTotal.objects.update(published_at=MIDNIGHT - 60 * DAY)
    today = MIDNIGHT + timedelta(hours=20)
    for days in (0, 29, 30):
        at = NOON - days * DAY
        downloads(make_hit(at, listener=f"{days}"), now=at + timedelta(minutes=1))

    query = wanted_interval(SimpleNamespace(get=lambda _name, default="": default), now=today)
    found = account_numbers(1, query, period="day", is_full=False)
    assert (found.total, len(found.series)) == (2, 30)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (0, (1, 1, 1)),
        (23.99, (1, 1, 1)),
        (24, (0, 1, 1)),
        (167.99, (0, 1, 1)),
        (168, (0, 0, 1)),
        (719.99, (0, 0, 1)),
        (720, (0, 0, 0)),
    ],
)
def test_r52_first_days_count_from_publication(downloads, hours, expected):
    published = MIDNIGHT - DAY
    downloads(make_hit(published + timedelta(hours=hours)))

    total = EpisodeTotal.objects.get(pk=1)
    assert (total.first_24h, total.first_7d, total.first_30d) == expected


def test_r52_open_windows_say_so():
    episode = SimpleNamespace(pk=1, published_at=MIDNIGHT - DAY)

    found = episode_numbers(episode, now=MIDNIGHT)

    assert found.firsts == {"first_24h": 0, "first_7d": 0, "first_30d": 0}
    assert found.complete == {"first_24h": True, "first_7d": False, "first_30d": False}


def test_r53_ties_are_broken_the_same_way_each_time(downloads):
    downloads(make_hit(NOON), make_hit(NOON, episode_id=2))

    rows = EpisodeDay.objects.of_account(1).between(MIDNIGHT.date(), MIDNIGHT.date())
    assert rows.top("episode_id") == [(2, 1), (1, 1)]


def test_r54_a_day_is_final_25_hours_after_its_end(downloads):
    day = MIDNIGHT.date()
    assert standing(now=MIDNIGHT + 2 * DAY + timedelta(minutes=59)).open_from == day
    assert standing(now=MIDNIGHT + 2 * DAY + timedelta(hours=1)).open_from == day + DAY

    late = MIDNIGHT + 2 * DAY + timedelta(hours=1)
    assert downloads(make_hit(NOON), now=late - timedelta(seconds=1)) == 1
    assert downloads(make_hit(NOON, listener="ben"), now=late) == 1
    assert FunnelDay.objects.get(step="late").amount == 1


def test_r55_totals_keep_what_was_deleted(downloads):
    """Neither show nor episodes exist here: they went, and their numbers stayed."""
    downloads(*three_days(), now=NOON + DAY)

    found = numbers()
    assert (found.total, found.deleted_shows, found.shows, found.top) == (9, 9, [], [])


def test_r56_listeners_lie_between_their_bounds(downloads):
    total = downloads(*three_days(), now=NOON + DAY)

    by_day = [
        listener_numbers(1, interval(MIDNIGHT + number * DAY, 1)).listeners for number in range(3)
    ]
    whole = listener_numbers(1, interval())
    assert by_day == [2, 3, 4]
    assert max(by_day) <= whole.listeners <= sum(by_day)
    assert 0 <= whole.listeners <= whole.downloads == total


def test_r57_a_period_is_counted_at_once_over_months_and_salts(downloads):
    """32 days from 2026-02-20 on cross a month and, on 2026-03-04, an audience period."""
    EpisodeTotal.objects.update(published_at=MIDNIGHT - 400 * DAY)
    first = datetime(2026, 2, 20, 12, tzinfo=UTC)
    for days in range(0, 32, 4):
        at = first + days * DAY
        downloads(make_hit(at), make_hit(at, listener=f"only {days}"), now=at + DAY / 24)

    found = listener_numbers(1, Interval(first - DAY / 2, first + 31.5 * DAY))
    assert (found.downloads, found.listeners) == (16, 9)
    assert not found.is_upper_bound


def test_r57_longer_spans_are_marked_as_upper_bounds(downloads):
    EpisodeTotal.objects.update(published_at=MIDNIGHT - 400 * DAY)
    for days in (0, 40, 80, 120):
        at = NOON - days * DAY
        downloads(make_hit(at), now=at + DAY / 24)

    span = interval(NOON - 121 * DAY, 123)
    found = listener_numbers(1, span)
    summary = listener_analytics(found, span, is_full=False)["summary"]
    assert found.listeners > 1
    assert summary["is_upper_bound"] is True
    assert "Upper bound" in summary["note"]


def test_r58_sets_are_exact_to_1000_and_near_above():
    few, many = ListenerHashes(), ListenerHashes()
    few.add(range(7, 7 + EXACT_UP_TO))
    chance = random.Random(58)
    hashes = [chance.getrandbits(64) for _ in range(200_000)]
    many.add(hashes)

    assert (few.count(), few.is_sketch) == (EXACT_UP_TO, False)
    assert many.is_sketch
    assert abs(many.count() - 200_000) < 4 * STANDARD_ERROR * 200_000
    assert STANDARD_ERROR <= 0.01
    again = ListenerHashes()
    for start in range(150_000, -1, -50_000):
        again.add(hashes[start : start + 50_000])
    assert again.packed() == many.packed()
    assert union_count([few, many])[1] is False
    assert union_count([few, few]) == (EXACT_UP_TO, True)


def test_r58_listeners_of_the_apps_are_those_of_all(downloads):
    agents = ["AntennaPod/3.4.0", "Castro 2024", "Overcast/3.0 (+http://overcast.fm/)"]
    hits = [make_hit(NOON, listener=f"{n}", agent=agents[n % 3]) for n in range(30)]
    downloads(*hits, *hits)

    found = listener_numbers(1, interval())
    assert found.listeners == sum(row.listeners for row in found.apps) == 30
    assert [row.name for row in found.apps] == ["AntennaPod", "Castro", "Overcast"]


def test_r59_a_download_is_never_called_a_listen_or_a_play(downloads):
    downloads(*three_days(), now=NOON + DAY)

    page = SimpleNamespace(cut=list, shape=dict)
    text = json.dumps(
        [
            account_analytics(numbers(), interval(), period="day", page=page, is_full=True),
            listener_analytics(listener_numbers(1, interval()), interval(), is_full=True),
        ]
    )
    assert not [word for word in ('"plays"', '"listens"', " plays", " listens") if word in text]


def test_r77_the_funnel_adds_up(downloads):
    downloads(
        make_hit(NOON),
        make_hit(NOON + timedelta(minutes=1)),
        make_hit(NOON, listener="b", agent="curl/8"),
        make_hit(NOON, listener="c", requested_range="bytes=0-1"),
        make_hit(NOON, listener="d", asset_id=1),
    )

    steps = episode_funnel(1, NOON.date())
    removed = steps["bot_library"] + steps["probe"]
    assert steps["hits"] == removed + steps["repeat"] + steps["sessions"] == 5
    assert steps["sessions"] == steps["below_threshold"] + steps["downloads"] == 2
