from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from core.models import StoredFile
from episodes.files import sweep_files
from shows.models import Show
from tests.factories.pictures import drawing
from tests.factories.published import publish_external


@pytest.fixture
def episode(owner, podcast, now):
    return publish_external(owner, Show.objects.get(), now=now)


@pytest.fixture
def put(owner_client):
    def send(path, content, *, client=owner_client, content_type="application/octet-stream"):
        return client.put(path, content, content_type=content_type)

    return send


class TestPodcastImage:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_is_taken_by_its_content_and_becomes_the_shows_cover(self, put, podcast, kind):
        answer = put(f"/v1/podcasts/{podcast['id']}/image", drawing(1_500, kind=kind))

        assert answer.status_code == 200, answer.content
        shown = answer.json()["data"]
        assert set(shown) == set(podcast)
        assert shown["image_url"] == Show.objects.get().cover_url

    @pytest.mark.parametrize(
        "content", [b"", b"hello", b"GIF89a" + bytes(100), b"\x89PNG\r\n\x1a\n" + bytes(50)]
    )
    def test_refuses_what_is_no_picture(self, put, podcast, content):
        answer = put(f"/v1/podcasts/{podcast['id']}/image", content, content_type="image/png")

        assert answer.status_code == 400, answer.content
        assert answer.json()["error"]["code"] in {"validation_error", "bad_request"}
        assert not StoredFile.objects.exists()

    def test_refuses_more_than_ten_megabytes(self, put, podcast):
        answer = put(f"/v1/podcasts/{podcast['id']}/image", bytes((10 << 20) + 1))

        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "image"
        assert "10 MB" in answer.json()["error"]["message"]

    def test_is_404_for_a_stranger(self, put, podcast, stranger_client):
        path = f"/v1/podcasts/{podcast['id']}/image"

        assert put(path, drawing(1_500), client=stranger_client).status_code == 404


class TestEpisodeImage:
    def test_is_shown_and_stands_in_the_feed(self, put, episode, owner_client, client):
        answer = put(f"/v1/episodes/{episode.uuid}/image", drawing(1_500))

        assert answer.status_code == 200, answer.content
        data = answer.json()["data"]
        assert set(data) == {"id", "image_url"}
        shown = owner_client.get(f"/v1/episodes/{episode.uuid}").json()["data"]
        assert shown["image_url"] == data["image_url"]
        served = client.get(urlsplit(data["image_url"]).path)
        assert served["Content-Type"] == "image/jpeg"
        content = b"".join(served)
        assert content.startswith(b"\xff\xd8")
        assert served["Content-Length"] == str(len(content))
        feed = client.get(f"/api/shows/{episode.show_id}/feed")
        text = feed.content if hasattr(feed, "content") else b"".join(feed)
        assert f'<itunes:image href="{data["image_url"]}"/>' in text.decode()

    def test_of_before_is_swept_and_so_is_that_of_a_deleted_episode(
        self, put, episode, owner_client
    ):
        path = f"/v1/episodes/{episode.uuid}"
        put(f"{path}/image", drawing(1_500))
        put(f"{path}/image", drawing(1_600))
        later = timezone.now() + timedelta(days=1)
        sweep_files(now=later)
        assert StoredFile.objects.count() == 1

        owner_client.delete(path)
        sweep_files(now=later)

        assert not StoredFile.objects.exists()

    def test_is_404_for_a_stranger(self, put, episode, stranger_client):
        path = f"/v1/episodes/{episode.uuid}/image"

        assert put(path, drawing(1_500), client=stranger_client).status_code == 404
