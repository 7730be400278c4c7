"""Tests of who a hit says is listening, and that the address is in no file."""

from __future__ import annotations

import ipaddress
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from analytics.hits import HitKind
from analytics.listening import Listening, UsualHits, hit_recorder, listener_key
from analytics.spool import process_spool
from tests.factories.published import publish_produced

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
TRACK = Listening(kind=HitKind.TRACK, episode_id=1, show_id=1, status=302)


@pytest.fixture
def listen(hits, settings):
    """Notes one request and gives the hit that it made."""

    def note(*, now=NOON, **environ):
        known = {hit.hit_id for hit in hits()}
        environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "203.0.113.9"} | environ
        recorder = hit_recorder(settings.DATA_DIR, settings.TRUSTED_PROXIES)
        assert recorder.note(environ, TRACK, time_ms=int(now.timestamp() * 1_000))
        (hit,) = [hit for hit in hits() if hit.hit_id not in known]
        return hit

    return note


class TestListener:
    def test_is_the_same_for_address_and_agent(self, listen):
        assert (
            listen(HTTP_USER_AGENT="A").listener
            == listen(HTTP_USER_AGENT=" A\r\n", HTTP_REFERER="https://x.example").listener
        )

    @pytest.mark.parametrize(
        "other", [{"HTTP_USER_AGENT": "B"}, {"REMOTE_ADDR": "203.0.113.8"}, {"REMOTE_ADDR": ""}]
    )
    def test_differs_with_either(self, listen, other):
        assert (
            listen(HTTP_USER_AGENT="A").listener
            != listen(**{"HTTP_USER_AGENT": "A"} | other).listener
        )

    def test_is_the_network_in_ipv6(self, listen):
        assert (
            listen(REMOTE_ADDR="2001:db8:1:2::3").listener
            == listen(REMOTE_ADDR="2001:db8:1:2:ffff::4").listener
        )

    def test_is_the_client_behind_a_trusted_proxy(self, listen, settings):
        direct = listen(REMOTE_ADDR="198.51.100.7")
        forged = listen(HTTP_X_FORWARDED_FOR="198.51.100.7")
        settings.TRUSTED_PROXIES = (ipaddress.ip_network("203.0.113.0/24"),)
        forwarded = listen(HTTP_X_FORWARDED_FOR="198.51.100.7")

        assert forwarded.listener == direct.listener
        assert forged.listener != direct.listener

    def test_r73_is_known_again_the_day_after_and_never_later(self, listen):
        first = listen(HTTP_USER_AGENT="A")
        second = listen(HTTP_USER_AGENT="A", now=NOON + timedelta(days=1))
        third = listen(HTTP_USER_AGENT="A", now=NOON + timedelta(days=2))

        assert first.previous_listener == ""
        assert second.previous_listener == first.listener
        assert third.previous_listener == second.listener
        assert len({first.listener, second.listener, third.listener}) == 3
        assert [hit.salt_day for hit in (first, third)] == ["2026-03-14", "2026-03-16"]

    def test_does_not_run_address_and_agent_together(self):
        assert listener_key(salt=b"s", network=b"ab", user_agent="c") != listener_key(
            salt=b"s", network=b"a", user_agent="bc"
        )


class TestHeaders:
    @pytest.mark.parametrize(
        "agent", ["\x00\x1f", "é🎧".encode().decode("latin-1"), "\xff", "\ud800"]
    )
    def test_of_any_form_are_kept(self, listen, agent):
        listen(HTTP_USER_AGENT=agent, HTTP_RANGE=agent, HTTP_REFERER=agent)

    def test_are_read_as_utf8(self, listen):
        agent = "Hörer/1.0 🎧"

        assert listen(HTTP_USER_AGENT=agent.encode().decode("latin-1")).user_agent == agent

    @pytest.mark.parametrize(
        "referrer",
        ["", "nonsense", "https://[::1", "https://203.0.113.9/x", "http://[2001:db8::1]/"],
    )
    def test_give_no_host_without_a_name(self, listen, referrer):
        assert listen(HTTP_REFERER=referrer).referrer_host == ""


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"HTTP_RANGE": 'bytes=0-"\x01', "HTTP_USER_AGENT": 'A, "b" \\ \x00 é'},
        {"HTTP_RANGE": "bytes=" + ",".join(["0-1"] * 300)},
        {"HTTP_REFERER": "https://player.example/x"},
        {"HTTP_SEC_PURPOSE": "prefetch"},
        {"HTTP_X_PLAYBACK_SESSION_ID": "abc", "QUERY_STRING": "a=b"},
        {"HTTP_USER_AGENT": "Podwright/1"},
    ],
)
def test_usual_hits_say_what_any_other_hit_does(hits, settings, environ):
    environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "203.0.113.9"} | environ
    recorder = hit_recorder(settings.DATA_DIR, settings.TRUSTED_PROXIES)
    now = int(NOON.timestamp() * 1_000)
    media = replace(TRACK, kind=HitKind.MEDIA, status=206, asset_id=7)
    hit = recorder.note(environ, replace(media, answer_start=1, answer_length=2), time_ms=now)
    recorder.note_delivered(hit, 2)

    assert UsualHits(recorder, media).note(environ, time_ms=now, start=1, length=2, sent=2)

    found = sorted(hits(), key=lambda one: one.hit_id != hit.hit_id)
    assert len({one.hit_id for one in found}) == 2
    one, sent, other, other_sent = (msgspec.structs.replace(one, hit_id="") for one in found)
    assert (one, sent) == (other, other_sent)
    assert (one.kind, sent.kind, sent.delivered) == (HitKind.MEDIA, HitKind.DELIVERED, 2)


def test_made_up_agents_of_any_length_take_no_memory(hits, settings):
    recorder = hit_recorder(settings.DATA_DIR, settings.TRUSTED_PROXIES)
    environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "203.0.113.9"}
    moment = int(NOON.timestamp() * 1_000)
    assert recorder.note(environ, TRACK, time_ms=moment)
    tracemalloc.start()
    try:
        for number in range(100):
            agent = f"{number} {'x' * 30_000}"
            assert recorder.note(environ | {"HTTP_USER_AGENT": agent}, TRACK, time_ms=moment)
        grown, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert grown < 300_000
    assert len(hits()) == 101


@pytest.mark.parametrize(
    "address", ["203.0.113.241", "2001:db8:4f1c:99aa:1234:5678:9abc:def1", "::ffff:203.0.113.241"]
)
def test_r71_no_file_holds_the_address_of_a_listener(
    client, owner, show, now, data_dir, settings, tmp_path, address
):
    """Neither as text nor packed, neither whole nor as its network."""
    settings.TRUSTED_PROXIES = (ipaddress.ip_network("127.0.0.1"),)
    episode = publish_produced(owner, show, now=now)
    for extra in (
        {"REMOTE_ADDR": address},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": address},
        {"REMOTE_ADDR": address, "HTTP_REFERER": f"https://[{address}]/"},
    ):
        for path in (
            f"/api/shows/{show.pk}/feed",
            f"/api/track/{episode.pk}.mp3",
            f"/media/{episode.asset.storage_key}",
        ):
            response = client.get(path, **extra)
            assert response.status_code < 400
            b"".join(response)

    # No file is given another name while they are read.
    process_spool(data_dir / "spool").seal()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    contents = b"\n".join(path.read_bytes() for path in files)
    assert contents.count(b'"track"') == 3
    assert contents.count(b'"media"') == 3
    parsed = ipaddress.ip_address(address)
    packed = parsed.packed
    forbidden = {
        address.encode(),
        parsed.exploded.encode(),
        packed,
        packed[::-1],
        packed.hex().encode(),
    }
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        forbidden |= {packed[:8], packed[:8].hex().encode(), b"2001:db8:4f1c"}
    else:
        forbidden |= {packed[-4:], packed[-4:].hex().encode(), b"203.0.113.241"}
    assert not [form for form in forbidden if form in contents]
