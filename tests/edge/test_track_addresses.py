"""Tests of the counted redirect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from analytics import listening
from analytics.hits import HitKind
from episodes.services import delete_episode
from episodes.states import Publication
from shows.services import ensure_narration_show
from tests.factories.published import publish_external, publish_produced


@pytest.fixture
def episode(owner, show, now):
    return publish_external(owner, show, now=now)


@pytest.fixture
def private_episode(owner, now):
    with transaction.atomic():
        show = ensure_narration_show(account=owner, now=now)
    return publish_produced(owner, show, now=now)


class TestTrack:
    @pytest.mark.parametrize("form", ["{e.pk}", "{e.pk}.mp3", "{e.public_id}", "{e.public_id}.m4a"])
    @pytest.mark.parametrize("prefix", ["/api", "/api/v1"])
    def test_leads_to_the_audio_outside(self, client, episode, prefix, form):
        response = client.get(f"{prefix}/track/{form.format(e=episode)}")

        assert response.status_code == 302
        assert response["Location"] == "https://cdn.example.com/episode-001.mp3"
        assert response["Cache-Control"] == "private, no-store"
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Content-Type" not in response
        assert response.content == b""

    def test_leads_to_our_own_audio(self, client, owner, show, now):
        episode = publish_produced(owner, show, now=now)

        response = client.get(f"/api/track/{episode.pk}.mp3")

        key = episode.asset.storage_key
        assert response["Location"] == f"https://podcasts.example/media/{key}"

    def test_escapes_what_an_address_may_not_hold(self, client, owner, show, now):
        episode = publish_external(
            owner, show, now=now, audio_url="https://cdn.example.com/é a\r\nSet-Cookie: x.mp3"
        )

        response = client.get(f"/api/track/{episode.pk}")

        assert response["Location"] == "https://cdn.example.com/%C3%A9%20a%0D%0ASet-Cookie:%20x.mp3"

    def test_costs_one_query_and_then_none(self, client, episode, django_assert_num_queries):
        for queries in (1, 0, 0):
            with django_assert_num_queries(queries):
                client.get(f"/api/track/{episode.pk}")

    def test_writes_one_hit_for_each_get(self, client, episode, hits):
        before = datetime.now(UTC)
        client.get(
            f"/api/track/{episode.pk}.mp3",
            headers={
                "User-Agent": "  AntennaPod/3.4 " + "x" * 2_000,
                "Range": "bytes=0-1",
                "Referer": "https://player.example/private/page?name=x",
            },
        )

        (hit,) = hits()
        assert hit.kind == HitKind.TRACK
        assert (hit.episode_id, hit.show_id, hit.asset_id) == (episode.pk, episode.show_id, None)
        assert (hit.method, hit.status, hit.requested_range) == ("GET", 302, "bytes=0-1")
        assert len(hit.user_agent) == 1_024
        assert hit.user_agent.startswith("AntennaPod/3.4 x")
        assert hit.referrer_host == "player.example"
        assert not hit.is_prefetch
        written = datetime.fromtimestamp(hit.time_ms / 1_000, UTC)
        assert before - timedelta(seconds=1) < written <= datetime.now(UTC)
        client.get(f"/api/track/{episode.pk}.mp3")
        assert len(hits()) == 2

    @pytest.mark.parametrize("method", ["head", "options", "post", "put", "delete"])
    def test_counts_nothing_else(self, client, episode, hits, method):
        getattr(client, method)(f"/api/track/{episode.pk}")

        assert hits() == []

    def test_answers_head_as_get(self, client, episode):
        got = client.get(f"/api/track/{episode.pk}")

        response = client.head(f"/api/track/{episode.pk}")

        assert response.status_code == 302
        for header in ("Location", "Cache-Control"):
            assert response[header] == got[header]

    def test_marks_a_prefetch(self, client, episode, hits):
        client.get(f"/api/track/{episode.pk}", headers={"Sec-Purpose": "prefetch;prerender"})

        assert [hit.is_prefetch for hit in hits()] == [True]

    def test_knows_a_private_episode_by_its_public_id_only(self, client, private_episode):
        assert client.get(f"/api/track/{private_episode.public_id}.mp3").status_code == 302
        assert client.get(f"/api/track/{private_episode.pk}.mp3").status_code == 404


class TestRefusals:
    @pytest.mark.parametrize(
        "reference",
        [
            "999",
            "999.mp3",
            "0",
            "9" * 19,
            "9" * 30,
            "-1",
            "ep_unknown",
            "ep_",
            "ep_" + "x" * 500,
            "abc",
            "1%00",
            "1%0A",
            "1.mp3/x",
            "1.",
            "1.toolong",
        ],
    )
    def test_what_does_not_exist_is_404_in_json_and_no_hit(self, db, client, hits, reference):
        response = client.get(f"/api/track/{reference}")

        assert response.status_code == 404
        assert response.json()["success"] is False
        assert hits() == []

    def test_what_is_not_published_is_404(self, client, owner, show, now, hits):
        draft = publish_external(owner, show, now=now, status=Publication.DRAFT)
        later = publish_external(owner, show, now=now, publish_at=now + timedelta(days=1))
        unfinished = publish_produced(owner, show, now=now, publish=False)

        for episode in (draft, later, unfinished):
            for reference in (episode.pk, episode.public_id):
                assert client.get(f"/api/track/{reference}").status_code == 404
        assert hits() == []

    def test_what_was_deleted_is_404(self, client, owner, episode, now):
        delete_episode(account=owner, episode_id=episode.pk, now=now)

        assert client.get(f"/api/track/{episode.pk}").status_code == 404

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_other_methods_are_405_in_json(self, client, episode, method):
        response = getattr(client, method)(f"/api/track/{episode.pk}")

        assert response.status_code == 405
        assert response["Allow"] == "GET, HEAD, OPTIONS"
        assert response.json()["success"] is False


class TestCountingNeverFailsPlaying:
    def test_when_the_spool_cannot_be_written(self, client, episode, data_dir):
        data_dir.mkdir(exist_ok=True)
        (data_dir / "spool").write_text("in the way")

        assert client.get(f"/api/track/{episode.pk}").status_code == 302

    def test_when_the_salts_cannot_be_made(self, client, episode, data_dir, hits):
        data_dir.mkdir(exist_ok=True)
        (data_dir / "salts").write_text("in the way")

        assert client.get(f"/api/track/{episode.pk}").status_code == 302
        assert hits() == []

    def test_whatever_goes_wrong(self, client, episode, monkeypatch):
        def explode(*args, **kwargs):
            raise RuntimeError

        monkeypatch.setattr(listening, "pack_usual", explode)

        assert client.get(f"/api/track/{episode.pk}").status_code == 302
