"""Tests of the feed's two addresses: methods, validators, compression, types, refusals."""

from __future__ import annotations

import gzip

import pytest
from django.db import transaction

from shows.models import Show
from shows.services import ensure_narration_show, update_show
from tests.factories.published import publish_external


@pytest.fixture
def private_show(owner, now):
    with transaction.atomic():
        return ensure_narration_show(account=owner, now=now)


@pytest.fixture
def path(show):
    return f"/api/shows/{show.pk}/feed"


@pytest.fixture
def private_path(private_show):
    return f"/feeds/{private_show.feed_token}.xml"


class TestGet:
    def test_answers_everybody(self, client, path):
        response = client.get(path)

        assert response.status_code == 200
        assert response["Content-Type"] == "application/rss+xml; charset=utf-8"
        assert response["Content-Length"] == str(len(response.content))
        assert response["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert response["Vary"] == "Accept, Accept-Encoding"
        assert response["Access-Control-Allow-Origin"] == "*"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "Last-Modified" not in response
        assert "Set-Cookie" not in response

    def test_has_an_alias(self, client, show, path):
        assert client.get(f"/api/v1/shows/{show.pk}/feed").content == client.get(path).content

    def test_costs_no_query_when_nothing_changed(self, client, path, django_assert_num_queries):
        client.get(path)

        with django_assert_num_queries(0):
            client.get(path)

    def test_shows_itself_to_a_browser_with_the_same_bytes(self, client, path):
        response = client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})

        assert response["Content-Type"] == "text/xml; charset=utf-8"
        assert response.content == client.get(path).content

    def test_is_compressed_for_who_can_read_it(self, client, path):
        plain = client.get(path)

        response = client.get(path, headers={"Accept-Encoding": "deflate, gzip;q=0.5"})

        assert response["Content-Encoding"] == "gzip"
        assert response["Content-Length"] == str(len(response.content))
        assert gzip.decompress(response.content) == plain.content
        assert response["ETag"] != plain["ETag"]

    def test_is_plain_for_who_refuses_gzip(self, client, path):
        assert "Content-Encoding" not in client.get(path, headers={"Accept-Encoding": "gzip;q=0"})

    @pytest.mark.parametrize("page", ["1", "01"])
    def test_has_a_first_page(self, client, path, page):
        assert client.get(path, {"page": page}).content == client.get(path).content

    @pytest.mark.parametrize(
        "page", ["0", "2", "-1", "x", "", "1" * 5_000, "\u0661", "1.0", "\x00"]
    )
    def test_has_no_other_page(self, client, path, page):
        assert client.get(path, {"page": page}).status_code == 404

    def test_ignores_other_parameters(self, client, path):
        assert client.get(path, {"_from": "app"}).content == client.get(path).content


class TestConditionalGet:
    @pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
    def test_is_304_with_the_validators_and_nothing_else(self, client, path, form):
        first = client.get(path)

        response = client.get(path, headers={"If-None-Match": form.format(first["ETag"])})

        assert response.status_code == 304
        assert response.content == b""
        for header in ("ETag", "Cache-Control", "Vary"):
            assert response[header] == first[header]
        assert "Content-Type" not in response

    def test_is_304_for_the_other_encodings_tag(self, client, path):
        tag = client.get(path, headers={"Accept-Encoding": "gzip"})["ETag"]

        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304

    def test_is_200_after_a_change(self, client, path, owner, show, now):
        tag = client.get(path)["ETag"]
        publish_external(owner, show, now=now)

        assert client.get(path, headers={"If-None-Match": tag}).status_code == 200

    def test_is_200_for_another_tag(self, client, path):
        assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


class TestHead:
    @pytest.mark.parametrize("encoding", ["gzip", "identity"])
    def test_has_the_headers_of_get_without_a_body(self, client, path, encoding):
        got = client.get(path, headers={"Accept-Encoding": encoding})

        response = client.head(path, headers={"Accept-Encoding": encoding})

        assert response.status_code == 200
        assert response.content == b""
        same = ("ETag", "Content-Length", "Content-Type", "Cache-Control", "Vary")
        assert [response[name] for name in same] == [got[name] for name in same]


class TestOptions:
    def test_lets_pages_of_other_sites_read(self, client, path, private_path):
        for address in (path, private_path):
            response = client.options(address)

            assert response.status_code == 204
            assert response["Allow"] == "GET, HEAD, OPTIONS"
            assert response["Access-Control-Allow-Origin"] == "*"
            assert "If-None-Match" in response["Access-Control-Allow-Headers"]


class TestPrivateFeed:
    def test_is_at_its_token(self, client, private_path):
        response = client.get(private_path)

        assert response.status_code == 200
        assert response["Cache-Control"] == "private, max-age=0, must-revalidate"
        assert response["X-Robots-Tag"] == "noindex"

    def test_is_not_at_its_id(self, client, private_show):
        response = client.get(f"/api/shows/{private_show.pk}/feed")

        assert response.status_code == 404
        assert response.json() == {"success": False, "error": "Show not found"}

    def test_of_a_public_show_moved_to_its_id(self, client, show, path):
        response = client.get(f"/feeds/{show.feed_token}.xml")

        assert response.status_code == 301
        assert response["Location"] == f"https://podcasts.example{path}"

    def test_made_public_is_made_again_with_other_addresses(self, client, private_show, owner, now):
        publish_external(owner, private_show, now=now)
        assert client.get(f"/feeds/{private_show.feed_token}.xml").status_code == 200
        Show.objects.filter(pk=private_show.pk).update(visibility="public")

        content = client.get(f"/api/shows/{private_show.pk}/feed").content

        assert b"itunes:block" not in content
        assert private_show.feed_token.encode() not in content


class TestRefusals:
    @pytest.mark.parametrize(
        "address",
        [
            "/api/shows/999/feed",
            "/api/v1/shows/999/feed",
            "/api/shows/0/feed",
            f"/api/shows/{2**63}/feed",
            "/api/shows/" + "9" * 500 + "/feed",
        ],
    )
    def test_an_unknown_show_is_404_in_json(self, db, client, address):
        response = client.get(address)

        assert response.status_code == 404
        assert response.json() == {"success": False, "error": "Show not found"}

    @pytest.mark.parametrize("token", ["podcast_" + "0" * 16, "podcast_" + "f" * 16])
    def test_an_unknown_token_is_an_empty_404(self, db, client, token):
        response = client.get(f"/feeds/{token}.xml")

        assert response.status_code == 404
        assert response.content == b""

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_other_methods_are_405(self, client, path, private_path, method):
        response = getattr(client, method)(path)

        assert response.status_code == 405
        assert response["Allow"] == "GET, HEAD, OPTIONS"
        assert response.json()["success"] is False
        assert getattr(client, method)(private_path).status_code == 405

    def test_a_head_for_nothing_is_404_without_a_body(self, db, client):
        response = client.head("/api/shows/999/feed")

        assert response.status_code == 404
        assert response.content == b""


def test_a_changed_show_is_seen_by_the_next_request(client, owner, show, path, now):
    client.get(path)
    update_show(account=owner, show_id=show.pk, changes={"title": "Renamed"}, now=now)

    assert b"<title>Renamed</title>" in client.get(path).content
