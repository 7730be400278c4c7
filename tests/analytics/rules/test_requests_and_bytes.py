"""Rules R1 to R20 of contracts/analytics.md: which requests can count, and how much is enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from analytics.byte_ranges import is_probe, requested_spans, sent_parts, union_length
from analytics.hits import HitKind
from analytics.listening import HitRecorder, Listening
from analytics.methods import MediaPath
from analytics.models import Download, EpisodeTotal, FunnelDay, Window
from analytics.sessions import Figures
from analytics.windows import evidence_name
from episodes.addresses import EXTENSION_OF_TYPE
from episodes.media import find_media
from tests.analytics.hit_making import METHOD, MIDNIGHT, make_hit, make_media_hit, milliseconds
from tests.analytics.rules.conftest import note_audio
from tests.factories.published import publish_produced

NOON = MIDNIGHT + timedelta(hours=12)
MINUTE_OF_BYTES = 600_000


def reasons():
    return dict(FunnelDay.objects.values_list("step", "amount"))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT"])
def test_r01_only_get_counts_and_opens_a_window(downloads, method):
    assert downloads(make_hit(NOON, method=method)) == 0
    assert reasons() == {"method": 1}
    assert not Window.objects.exists()


@pytest.mark.parametrize(
    ("status", "sent", "counts"),
    [
        (200, 1_000_100, True),
        (206, 1_000_000, True),
        (304, 1_000_000, False),
        (302, 1_000_000, False),
        (301, 1_000_000, False),
        (404, 1_000_000, False),
        (416, 1_000_000, False),
        (500, 1_000_000, False),
        (0, 1_000_000, True),
        (0, 5_000, False),
    ],
)
def test_r02_bytes_count_with_200_and_206_and_broken_off_transfers(downloads, status, sent, counts):
    assert downloads(make_media_hit(NOON, status=status, sent=sent)) == counts


@pytest.mark.parametrize("header", ["bytes=0-1", "bytes=0-0"])
def test_r03_the_first_two_bytes_never_count_nor_open_a_window(downloads, header):
    assert downloads(make_hit(NOON, requested_range=header)) == 0
    assert reasons() == {"probe": 1}
    assert not Window.objects.exists()


@pytest.mark.parametrize("header", ["bytes=5-6", "bytes=0-0,7-7", "bytes=0-1,0-1", "bytes=-2"])
def test_r04_no_range_of_two_bytes_counts(downloads, header):
    assert downloads(make_hit(NOON, requested_range=header)) == 0


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        ("", None),
        ("bytes=x-y", None),
        ("items=0-1", None),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=0-99", ((0, 100),)),
        ("bytes=0-", ((0, 1_000),)),
        ("bytes=-100", ((900, 1_000),)),
        ("bytes=900-5000", ((900, 1_000),)),
        ("bytes=0-9, 20-29", ((0, 10), (20, 30))),
        ("bytes=2000-", ()),
    ],
)
def test_r05_ranges_are_read_as_http_says(downloads, header, spans):
    assert requested_spans(header, 1_000) == spans
    assert is_probe(header) is False or header == "bytes=2000-"


def test_r05_a_range_that_cannot_be_read_counts_as_absent(downloads):
    assert downloads(make_hit(NOON, requested_range="items=0-1")) == 1


def test_r05_all_ranges_of_one_answer_count(downloads):
    header = "bytes=100-300099, 700100-1000099"
    whole = 600_000 + 2 * 110
    half = make_media_hit(NOON, sent=300_110, requested_range=header)
    far = make_media_hit(NOON, sent=whole, requested_range=header, listener="b")

    assert downloads(half) == 0
    assert downloads(far) == 1
    assert sent_parts([(0, 500), (900, 1_000)], 300) == [(0, 220)]


def test_r06_a_range_that_was_answered_with_all_is_all(downloads):
    hit = make_media_hit(NOON, status=200, requested_range="bytes=999999-", start=0, sent=700_000)

    assert downloads(hit) == 1


@pytest.mark.parametrize(
    "hit",
    [
        make_hit(NOON, episode_id=77),
        make_hit(MIDNIGHT - timedelta(days=1, seconds=1)),
    ],
    ids=["unknown", "too early"],
)
def test_r07_what_is_not_published_never_counts(downloads, hit):
    assert downloads(hit) == 0
    assert reasons() == {"unpublished": 1}


def test_r07_a_draft_never_counts(downloads):
    EpisodeTotal.objects.filter(pk=1).update(published_at=None)

    assert downloads(make_hit(NOON)) == 0


def test_r08_our_own_requests_never_count_from_wherever_they_come(downloads):
    assert downloads(make_hit(NOON, is_internal=True)) == 0
    assert reasons() == {"internal": 1}


def test_r09_announced_prefetches_never_count(downloads):
    assert downloads(make_hit(NOON, is_prefetch=True)) == 0
    assert reasons() == {"prefetch": 1}


def test_r10_the_query_changes_neither_episode_nor_listener(data_dir):
    recorder = HitRecorder(data_dir, trusted=())
    wanted = Listening(kind=HitKind.TRACK, episode_id=1, show_id=1, status=302)
    hits = [
        recorder.hit(
            {"REMOTE_ADDR": "198.51.100.7", "HTTP_USER_AGENT": "A", **extra},
            wanted,
            time_ms=milliseconds(NOON),
        )
        for extra in (
            {},
            {"QUERY_STRING": "_from=overcast&_ulid=x&aw_0_1st=1&source=tunein"},
            {"HTTP_HOST": "other.example", "wsgi.url_scheme": "http", "SERVER_PORT": "8080"},
        )
    ]

    assert len({(hit.listener, hit.episode_id) for hit in hits}) == 1


def test_r11_transcripts_and_chapters_belong_to_no_hit(owner, show, now):
    episode = publish_produced(owner, show, now=now)

    for document in episode.documents.exclude(kind="timeline_json"):
        assert find_media(document.storage_key).episode_id is None


@pytest.mark.parametrize(
    ("pieces", "counts"),
    [
        ([(100, MINUTE_OF_BYTES)], True),
        ([(100, MINUTE_OF_BYTES - 1)], False),
        ([(0, MINUTE_OF_BYTES)], False),
        ([(0, MINUTE_OF_BYTES + 100)], True),
        ([(400_100, MINUTE_OF_BYTES)], True),
        ([(100, 300_000), (600_100, 300_000)], True),
        ([(100, 400_000), (300_100, 300_000)], True),
        ([(100, 300_000), (100, 300_000), (100, 300_000)], False),
        ([(100, 300_000), (250_100, 300_000)], False),
    ],
)
def test_r12_one_minute_of_distinct_bytes_of_sound_is_enough(downloads, pieces, counts):
    hits = [
        make_media_hit(NOON + timedelta(seconds=number), start=start, sent=sent)
        for number, (start, sent) in enumerate(pieces)
    ]

    assert downloads(*hits) == counts


def test_r13_bytes_are_those_that_were_sent(downloads):
    asked = make_hit(
        NOON, kind=HitKind.MEDIA, status=206, asset_id=1, answer_start=0, answer_length=1_000_100
    )
    ended = make_hit(
        NOON,
        kind=HitKind.DELIVERED,
        status=206,
        asset_id=1,
        answer_length=1_000_100,
        delivered=65_536,
        hit_id=asked.hit_id,
    )

    assert downloads(asked, ended) == 0
    assert reasons() == {"eligible": 1, "sessions": 1}
    more = make_media_hit(NOON + timedelta(minutes=1), start=65_536, sent=600_000)
    assert downloads(more) == 1


@pytest.mark.parametrize(
    ("header", "seconds"), [(100, 60.0), (100, 12.0), (None, 100.0), (100, None), (None, None)]
)
def test_r14_short_or_unmeasured_audio_needs_every_byte(downloads, header, seconds):
    note_audio(2, size=10_000, header=header, seconds=seconds)

    assert downloads(make_media_hit(NOON, asset_id=2, sent=9_999)) == 0
    last = make_media_hit(NOON + timedelta(seconds=1), asset_id=2, start=9_999, sent=1)
    assert downloads(last) == 1


def test_r15_bytes_of_two_versions_are_never_added(downloads):
    note_audio(2, size=2_000_100, header=100, seconds=100.0)
    first = make_media_hit(NOON, start=100, sent=500_000)
    second = make_media_hit(NOON + timedelta(seconds=1), asset_id=2, start=100, sent=500_000)

    assert downloads(first, second) == 0
    rest = make_media_hit(NOON + timedelta(seconds=2), asset_id=2, start=500_100, sent=700_000)
    assert downloads(rest) == 1
    assert Figures(2_000_100, 100, 100.0).threshold() == (100, 1_200_000)


def test_r16_no_playlist_is_served_whose_segments_would_count():
    assert not [kind for kind in EXTENSION_OF_TYPE if "mpegurl" in kind]
    # What a rendition's media time would be: distinct milliseconds, however often they were fetched.
    assert union_length([(0, 30_000), (0, 30_000), (30_000, 60_000)]) == 60_000


def test_r17_requested_ranges_decide_where_every_request_passes_us(downloads):
    method = replace(METHOD, media=MediaPath.STORE)
    ask = {"kind": HitKind.MEDIA, "status": 302, "asset_id": 1}

    track = make_hit(NOON, asset_id=1)
    first = make_hit(NOON, requested_range="bytes=100-300099", **ask)
    assert downloads(track, first, method=method) == 0
    second = make_hit(NOON, requested_range="bytes=300100-600099", **ask)
    assert downloads(second, method=method) == 1
    assert Download.objects.get().evidence == Download.Evidence.REQUESTED


@pytest.mark.parametrize(
    ("header", "counts"),
    [("", True), ("bytes=0-", True), ("bytes=0-2", True), ("bytes=0-1", False)],
)
def test_r18_one_request_counts_where_the_rest_passes_us_by(downloads, header, counts):
    assert downloads(make_hit(NOON, requested_range=header)) == counts


def test_r18_so_does_one_for_audio_on_a_network_of_caches(downloads):
    method = replace(METHOD, media=MediaPath.ELSEWHERE)

    assert downloads(make_hit(NOON, asset_id=1), method=method) == 1


def test_r19_the_redirect_opens_the_session_and_the_bytes_decide(downloads):
    track = make_hit(NOON, asset_id=1, referrer_host="player.example")
    media = make_media_hit(NOON + timedelta(minutes=5), start=100, sent=600_000)

    assert downloads(track) == 0
    assert downloads(media) == 1
    found = Download.objects.get()
    assert (found.started_at, found.source) == (NOON, "player.example")


def test_r19_with_a_byte_log_our_own_bytes_to_the_proxy_are_no_evidence(downloads):
    method = replace(METHOD, byte_log=True)
    ours = make_hit(NOON, kind=HitKind.DELIVERED, status=200, asset_id=1, delivered=1_000_100)
    asked = make_hit(NOON, kind=HitKind.MEDIA, status=200, asset_id=1)

    assert downloads(ours, asked, make_hit(NOON, asset_id=1), method=method) == 0
    assert downloads(make_media_hit(NOON, start=100, sent=600_000), method=method) == 1
    assert reasons()["eligible"] == 2


def test_r20_every_number_names_its_evidence(downloads):
    downloads(make_hit(NOON), make_media_hit(NOON, start=100, sent=600_000, episode_id=2))

    assert set(Download.objects.values_list("episode_id", "evidence")) == {(1, 2), (2, 1)}
    names = [evidence_name(*pair) for pair in ((0, 0), (2, 2), (2, 0), (2, 1))]
    assert names == ["none", "delivered", "requested", "mixed"]
