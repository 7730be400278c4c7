"""Rules R21 to R32 of contracts/analytics.md: who, and once per what."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from analytics.hits import HitKind
from analytics.listening import HitRecorder, Listening
from analytics.methods import WindowKind
from analytics.models import Download, ListenerSet
from analytics.network_files import NetworkFileUnreadable, parse_table
from analytics.networks import NetworkClass, Networks, write_table
from analytics.sketches import ListenerHashes
from tests.analytics.hit_making import METHOD, MIDNIGHT, make_hit, make_media_hit, milliseconds

NOON = MIDNIGHT + timedelta(hours=12)
HOUR = timedelta(hours=1)
TRACK = Listening(kind=HitKind.TRACK, episode_id=1, show_id=1, status=302)


@pytest.fixture
def keyed(data_dir):
    """The hit that a request makes."""

    def hit(*, trusted=(), **environ):
        networks = tuple(ipaddress.ip_network(text) for text in trusted)
        recorder = HitRecorder(data_dir, trusted=networks)
        known = {"REMOTE_ADDR": "198.51.100.7", "HTTP_USER_AGENT": "A"}
        return recorder.hit(known | environ, TRACK, time_ms=milliseconds(NOON))

    return hit


def listeners():
    return sum(
        ListenerHashes(bytes(row.members), is_sketch=row.is_sketch).count()
        for row in ListenerSet.objects.filter(period=ListenerSet.objects.latest("period").period)
    )


def test_r21_six_agents_behind_one_address_are_six_listeners(downloads):
    agents = [f"AntennaPod/3.{number}" for number in range(6)]
    hits = [
        make_hit(NOON + timedelta(minutes=number), listener="one address", agent=agents[number % 6])
        for number in range(10)
    ]

    assert downloads(*hits) == 6
    assert listeners() == 6


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("fe80::1%eth0", "fe80::1", True),
    ],
)
def test_r22_addresses_are_whole_in_ipv4_and_networks_in_ipv6(keyed, one, other, same):
    assert (keyed(REMOTE_ADDR=one).listener == keyed(REMOTE_ADDR=other).listener) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("A/1", " A/1\r\n", True),
        ("A/1", "a/1", False),
        ("A" * 1_024 + "x", "A" * 1_024 + "y", True),
    ],
)
def test_r23_agents_are_compared_exactly_once_cleaned(keyed, one, other, same):
    pair = [keyed(HTTP_USER_AGENT=agent).listener for agent in (one, other)]

    assert (pair[0] == pair[1]) is same


def test_r24_nothing_else_is_part_of_a_listener(keyed):
    other = keyed(
        HTTP_REFERER="https://x.example/", HTTP_COOKIE="a=b", HTTP_ACCEPT="*/*", QUERY_STRING="q"
    )

    assert other.listener == keyed().listener


def test_r25_a_forwarded_address_counts_only_from_a_trusted_proxy(keyed):
    behind = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.5, 198.51.100.7"}

    assert keyed(**behind, trusted=["10.0.0.0/8"]).listener == keyed().listener
    assert keyed(**behind).listener == keyed(REMOTE_ADDR="10.0.0.1").listener


def test_r26_all_ways_to_one_episode_are_one_download(downloads):
    hits = [
        make_hit(NOON),
        make_hit(NOON + timedelta(minutes=1), asset_id=1),
        make_media_hit(NOON + timedelta(minutes=2), start=100, sent=600_000),
        make_hit(NOON + timedelta(minutes=3), episode_id=2),
    ]

    assert downloads(*hits) == 2
    assert listeners() == 1


def test_r27_pause_and_resume_are_one_download(downloads):
    hits = [make_hit(NOON + number * HOUR) for number in range(12)]

    assert downloads(*hits) == 1


#: The same requests of one listener under each kind of window: hours since a midnight, and the
#: hours at which downloads begin.
WORKED_EXAMPLE = (0, 10, 23, 25, 47, 50, 70, 100)
EXPECTED = {
    WindowKind.FIRST_TOUCH: [0, 25, 50, 100],
    WindowKind.CALENDAR: [0, 25, 50, 100],
    WindowKind.LAST_TOUCH: [0, 100],
}


@pytest.mark.parametrize("window", list(WindowKind))
def test_r28_each_kind_of_window_counts_the_worked_example(downloads, window):
    hits = [make_hit(MIDNIGHT + number * HOUR) for number in WORKED_EXAMPLE]
    method = replace(METHOD, window=window)
    for hit in hits:
        downloads(hit, method=method)

    begun = Download.objects.order_by("started_at").values_list("started_at", flat=True)
    assert [(moment - MIDNIGHT) // HOUR for moment in begun] == EXPECTED[window]


@pytest.mark.parametrize(
    ("window", "expected"),
    [(WindowKind.FIRST_TOUCH, 1), (WindowKind.CALENDAR, 2), (WindowKind.LAST_TOUCH, 1)],
)
def test_r28_the_kinds_differ_over_midnight(downloads, window, expected):
    hits = [make_hit(MIDNIGHT + 23 * HOUR), make_hit(MIDNIGHT + 25 * HOUR)]

    assert downloads(*hits, method=replace(METHOD, window=window)) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(86_399, 1), (86_400, 2), (86_401, 2)])
def test_r29_a_window_lasts_24_hours_to_the_second(downloads, seconds, expected):
    assert downloads(make_hit(NOON), make_hit(NOON + timedelta(seconds=seconds))) == expected


def test_r29_only_eligible_hits_open_a_window(downloads):
    bot = make_hit(NOON, is_prefetch=True)
    person = make_hit(NOON + 23 * HOUR)
    again = make_hit(NOON + 25 * HOUR)

    assert downloads(bot, person, again) == 1
    assert Download.objects.get().started_at == NOON + 23 * HOUR


def test_r30_a_download_stays_on_the_day_of_its_first_hit(downloads):
    evening = MIDNIGHT + timedelta(hours=23, minutes=50)
    first = make_media_hit(evening, start=100, sent=300_000)
    second = make_media_hit(evening + timedelta(minutes=20), start=300_100, sent=300_000)

    assert downloads(first) == 0
    assert downloads(second) == 1
    assert Download.objects.get().started_at == evening


@pytest.mark.parametrize(("joins", "expected"), [(False, 2), (True, 1)])
def test_r31_one_playback_joins_addresses_where_that_is_wanted(downloads, joins, expected):
    method = replace(METHOD, join_playback_sessions=joins)
    session = {"playback_session": "ab" * 16}

    downloads(make_hit(NOON, listener="home", **session), method=method)

    moved = make_hit(NOON + HOUR, listener="train", **session)
    assert downloads(moved, method=method) == expected


def test_r31_one_playback_goes_on_over_midnight(downloads):
    method = replace(METHOD, join_playback_sessions=True)
    evening = MIDNIGHT + 23 * HOUR

    downloads(make_hit(evening, listener="home", playback_session="ab" * 16), method=method)

    session = {"playback_session": "cd" * 16, "previous_playback": "ab" * 16}
    moved = make_hit(evening + 2 * HOUR, listener="train", **session)
    assert downloads(moved, method=method) == 1
    assert downloads(moved, method=METHOD) == 1
    again = make_hit(evening + 25 * HOUR, listener="train", **session)
    assert downloads(again, method=method) == 2


def test_r32_safe_networks_end_within_90_days(tmp_path):
    now = datetime(2026, 3, 14, tzinfo=UTC)
    with pytest.raises(NetworkFileUnreadable, match="90 days"):
        parse_table("safe", b"198.18.0.0/15,2026-06-13\n", version="", now=now)
    write_table(tmp_path, parse_table("safe", b"8.8.8.0/24,2026-06-12\n", version="", now=now))
    address = ipaddress.ip_address("8.8.8.8")
    classes = [
        Networks(tmp_path)
        .origin(address, user_agent="", now=datetime.combine(day, NOON.timetz()))
        .network_class
        for day in (date(2026, 6, 11), date(2026, 6, 12))
    ]

    assert classes == [NetworkClass.SAFE, NetworkClass.PUBLIC]
