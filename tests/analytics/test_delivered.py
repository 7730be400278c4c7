"""Tests of the record of bytes that were really sent, and of our own requests."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import time_machine

from analytics.hits import HitKind
from analytics.own_requests import preview_address
from tests.factories.published import publish_produced

# About bytes on their way.
pytestmark = pytest.mark.once

AUDIO = b"ID3\x03\x00\x00\x00\x00\x00\x00" + bytes(300_000)


@pytest.fixture
def address(owner, show, now):
    episode = publish_produced(owner, show, now=now, audio=AUDIO)
    return f"/media/{episode.asset.storage_key}"


class TestDelivered:
    def test_is_the_whole_body_when_it_was_read(self, client, address, hits):
        b"".join(client.get(address, headers={"Range": "bytes=100-"}))

        asked, ended = hits()
        assert (asked.kind, asked.delivered) == (HitKind.MEDIA, None)
        assert (ended.kind, ended.delivered) == (HitKind.DELIVERED, len(AUDIO) - 100)
        assert ended.hit_id == asked.hit_id
        assert ended.answer_start == 100

    def test_is_what_a_client_took_that_left(self, client, address, hits):
        response = client.get(address)
        pieces = iter(response)
        taken = len(next(pieces))
        next(pieces)
        response.close()

        assert [hit.delivered for hit in hits()] == [None, taken]

    @pytest.mark.parametrize("method", ["head", "options"])
    def test_is_nothing_without_a_body(self, client, address, hits, method):
        getattr(client, method)(address).close()

        assert hits() == []

    def test_is_nothing_for_a_client_that_is_gone_at_once(self, client, address, hits):
        client.get(address).close()

        assert [hit.kind for hit in hits()] == [HitKind.MEDIA]


class TestOwnRequests:
    @pytest.mark.parametrize(
        ("agent", "own"), [("Podwright/0.1.0 (+https://p.example)", True), ("AntennaPod/3", False)]
    )
    def test_are_known_by_our_agent(self, client, address, hits, agent, own):
        client.get(address, headers={"User-Agent": agent}).close()

        assert [hit.is_internal for hit in hits()] == [own]

    def test_are_known_by_a_signed_address(self, client, address, hits):
        with time_machine.travel("2026-03-14T12:00:00Z") as clock:
            own = preview_address(f"https://podcasts.example{address}")
            forged = own.replace("preview=own", "preview=oWn")
            for url in (own, forged, f"{address}?preview=", f"{address}?preview=own:x:y"):
                parts = urlsplit(url)
                client.get(f"{parts.path}?{parts.query}").close()
            clock.shift(90_000)
            client.get(own.removeprefix("https://podcasts.example")).close()

        assert [hit.is_internal for hit in hits()] == [True, False, False, False, False]
