from __future__ import annotations

import pytest
from django.test import Client

from episodes.models import Episode, EpisodeDocument
from episodes.services import EpisodeDraft, create_episode, update_episode
from episodes.states import Publication
from shows.models import Show
from studio.models import StudioPodcast


@pytest.fixture
def visitor() -> Client:
    return Client()


@pytest.fixture
def episode(owner, show, now) -> Episode:
    draft = EpisodeDraft(
        title="What agents shipped", audio_url="https://cdn.example.com/1.mp3", duration_seconds=847
    )
    return create_episode(account=owner, show_id=show.pk, draft=draft, now=now)


class TestShowPage:
    def test_names_the_show_its_episodes_and_the_feed(self, visitor, show, episode):
        page = visitor.get(f"/shows/{show.slug}").content.decode()

        assert "Daily AI Briefing" in page
        assert "What agents shipped" in page
        assert "14 min" in page
        assert f"https://podcasts.example/api/shows/{show.pk}/feed" in page
        assert 'preload="none"' in page

    def test_leaves_out_what_is_not_published(self, visitor, owner, show, episode, now):
        update_episode(
            account=owner,
            episode_id=episode.pk,
            changes={"status": Publication.DRAFT},
            now=now,
        )

        page = visitor.get(f"/shows/{show.slug}").content.decode()

        assert "What agents shipped" not in page
        assert "No episodes yet" in page

    def test_escapes_what_owners_write(self, visitor, owner, show, now):
        Show.objects.filter(pk=show.pk).update(
            title="<script>alert(1)</script>", description="<img src=x onerror=alert(1)>"
        )

        page = visitor.get(f"/shows/{show.slug}").content.decode()

        assert "<script>" not in page
        assert "onerror" not in page

    def test_a_private_show_has_no_page(self, visitor, show):
        Show.objects.filter(pk=show.pk).update(visibility="private")

        assert visitor.get(f"/shows/{show.slug}").status_code == 404


class TestEpisodePage:
    def test_shows_chapters_with_their_times(self, visitor, show, episode):
        Episode.objects.filter(pk=episode.pk).update(
            chapters=[{"start": 0, "title": "Opening"}, {"start": 3675.4, "title": "The end"}]
        )

        page = visitor.get(f"/shows/{show.slug}/{episode.public_id}").content.decode()

        assert "1:01:15" in page
        assert "The end" in page

    def test_links_the_transcript_that_a_browser_shows(self, visitor, show, episode, now):
        for kind, name in (("transcript_vtt", "t.vtt"), ("transcript_html", "t.html")):
            EpisodeDocument.objects.create(
                episode=episode, kind=kind, storage_key=f"audio/{name}", bytes=1, created_at=now
            )

        page = visitor.get(f"/shows/{show.slug}/{episode.public_id}").content.decode()

        assert '<a href="https://podcasts.example/media/audio/t.html">Transcript</a>' in page
        assert "t.vtt" not in page

    def test_is_found_under_its_own_show_only(self, visitor, episode):
        assert visitor.get(f"/shows/another-show/{episode.public_id}").status_code == 404


class TestHome:
    def test_lists_shows_that_have_something_to_hear(self, visitor, show, episode):
        assert "Daily AI Briefing" in visitor.get("/").content.decode()

    @pytest.mark.parametrize(("visibility", "is_listed"), [("unlisted", False), ("public", True)])
    def test_does_not_link_what_is_unlisted(
        self, visitor, show, episode, now, visibility, is_listed
    ):
        StudioPodcast.objects.create(show=show, host_ids=[], visibility=visibility, created_at=now)

        assert (f"/shows/{show.slug}" in visitor.get("/").content.decode()) is is_listed

    def test_does_not_list_an_empty_show(self, visitor, show):
        home = visitor.get("/").content.decode()

        assert 'href="/shows/' not in home
        assert "/api/keys" in home


class TestUnknownPage:
    def test_leads_back_to_the_shows(self, visitor):
        answer = visitor.get("/nope")

        assert answer.status_code == 404
        assert '<a href="/">' in answer.content.decode()


class TestUnknownFeedAddress:
    @pytest.mark.parametrize("path", ["/feeds/nope.xml", "/feeds/", "/feeds/podcast_12/x"])
    def test_gets_no_page_that_could_be_taken_for_a_feed(self, visitor, path):
        answer = visitor.get(path)

        assert answer.status_code == 404
        assert answer.content == b""
