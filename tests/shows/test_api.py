from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shows.models import Show
from shows.services import ShowDraft, create_show

SHOW = {"title": "Daily AI Briefing"}


def post(client, **fields):
    return client.post("/api/shows", {**SHOW, **fields}, format="json")


class TestCreate:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", None),
            ("title", ""),
            ("title", "\x00\x01\u200b"[:2]),
            ("title", "x" * 10_000),
            ("title", 7),
            ("title", True),
            ("title", ["a"]),
            ("title", {"a": "b"}),
            ("slug", "no spaces"),
            ("slug", "../../etc"),
            ("slug", "-a"),
            ("slug", "ünï"),
            ("slug", "a" * 101),
            ("slug", 5),
            ("description", "x" * 20_001),
            ("description", ["x"]),
            ("author", "x" * 1_001),
            ("author", False),
            ("language", "english"),
            ("language", "e"),
            ("language", "zz"),
            ("language", "en-XX-1"),
            ("language", "en\n"[:2] + "\u0000-"),
            ("language", 3),
            ("category", "x" * 256),
            ("category", {}),
            ("image_url", "javascript:alert(1)"),
            ("image_url", "file:///etc/passwd"),
            ("image_url", "ftp://example.com/a.png"),
            ("image_url", "https://user:secret@example.com/a.png"),
            ("image_url", "//example.com/a.png"),
            ("image_url", "cover.png"),
            ("image_url", "https://"),
            ("image_url", "https://exa mple.com/a.png"),
            ("image_url", "https://example.com:99999/a.png"),
            ("image_url", "https://example.com/" + "x" * 2_000),
            ("image_url", "https://[::1"),
            ("image_url", "http://127.0.0.1/cover.png"),
            ("image_url", "https://0x7f.1/cover.png"),
            ("image_url", "https://169.254.169.254/latest/meta-data"),
            ("image_url", "https://[::ffff:10.0.0.1]/cover.png"),
            ("image_url", 1),
            ("website_url", "http://192.168.1.1/admin"),
            ("website_url", "data:text/html,x"),
            ("explicit", "maybe"),
            ("explicit", 2),
            ("explicit", -1),
            ("explicit", [True]),
            ("explicit", 1.0),
            ("owner_email", "nobody"),
            ("owner_email", "a@b\r\nBcc: c@d.example"),
            ("owner_email", 5),
        ],
    )
    def test_refuses_a_bad_field_by_its_name(self, owner_client, field, value):
        answer = post(owner_client, **{field: value})

        assert answer.status_code == 400, answer.content
        assert answer.json()["field"] == field
        assert answer.json()["error"].startswith(f"{field}: ")
        assert not Show.objects.exists()

    @pytest.mark.parametrize(
        ("field", "value", "stored"),
        [
            ("title", "  Daily\x00 AI\r\n Briefing ", "Daily AI Briefing"),
            ("description", " one\r\n\r\ntwo\x0b ", "one\n\ntwo"),
            ("description", "", None),
            ("description", None, None),
            ("slug", "My_Show-2", "my_show-2"),
            ("slug", "", "daily-ai-briefing"),
            ("slug", None, "daily-ai-briefing"),
            ("language", "EN", "en"),
            ("language", "pt_br", "pt-BR"),
            ("language", "zh-hant-tw", "zh-Hant-TW"),
            ("language", None, "en"),
            ("language", "", "en"),
            ("explicit", "true", True),
            ("explicit", "0", False),
            ("explicit", 1, True),
            ("explicit", None, False),
            ("category", "Tech", "Tech"),
            ("image_url", "", None),
            ("image_url", " HTTPS://Example.com/A%20b.png?x=1&y=(2)#z ", None),
            ("image_url", "https://exämple.com/ü.png", "https://xn--exmple-cua.com/%C3%BC.png"),
            ("owner_email", "owner@example.com", "owner@example.com"),
        ],
    )
    def test_stores_the_clean_value(self, owner_client, field, value, stored):
        answer = post(owner_client, **{field: value})

        if stored is None and value:
            stored = value.strip()
        assert answer.status_code == 201, answer.content
        assert answer.json()["show"][field] == stored

    def test_ignores_what_it_does_not_know(self, owner_client):
        answer = post(owner_client, id=77, account=1, feed_token="x", visibility="private")

        assert answer.status_code == 201
        assert answer.json()["feed_url"].endswith(f"/api/shows/{answer.json()['id']}/feed")

    def test_tells_that_a_wanted_slug_is_taken(self, owner_client):
        post(owner_client, slug="taken")

        answer = post(owner_client, slug="taken")

        assert answer.status_code == 409
        assert answer.json()["field"] == "slug"
        assert Show.objects.count() == 1

    def test_refuses_a_reserved_slug(self, owner_client):
        assert post(owner_client, slug="admin").status_code == 409

    @pytest.mark.parametrize("title", ["Daily AI Briefing", "日本語", "!!!", "Admin", "x" * 900])
    def test_makes_different_slugs_of_equal_titles(self, owner_client, title):
        slugs = [post(owner_client, title=title).json()["show"]["slug"] for _ in range(2)]

        assert slugs[0] != slugs[1]
        assert all(1 <= len(slug) <= 100 for slug in slugs)

    def test_refuses_the_sixth_on_sandbox_with_the_usage(self, owner_client):
        for _ in range(5):
            assert post(owner_client).status_code == 201

        answer = post(owner_client)

        assert answer.status_code == 429
        assert answer.json()["usage"] == {"shows_used": 5, "shows_limit": 5, "plan": "sandbox"}


class TestChange:
    @pytest.mark.parametrize("body", [{}, {"slug": "new"}, {"slug": "!"}, {"unknown": 1}])
    def test_refuses_a_body_that_changes_nothing(self, owner_client, show, body):
        answer = owner_client.patch(f"/api/shows/{show.pk}", body, format="json")

        assert answer.status_code == 400
        assert answer.json()["code"] == "nothing_to_update"

    @pytest.mark.parametrize("title", [None, "", "\x00", 1, ["x"], "x" * 10_000])
    def test_refuses_a_bad_title(self, owner_client, show, title):
        answer = owner_client.patch(f"/api/shows/{show.pk}", {"title": title}, format="json")

        assert answer.status_code == 400
        assert answer.json()["field"] == "title"

    def test_clears_with_null(self, owner_client, owner, now):
        draft = ShowDraft(title="A", description="B", author="C", image_url="https://example.com/c")
        made = create_show(account=owner, draft=draft, now=now)
        nothing = {"description": None, "author": None, "image_url": None, "explicit": None}

        answer = owner_client.patch(f"/api/shows/{made.pk}", nothing, format="json")

        told = answer.json()["show"]
        assert (told["description"], told["author"], told["image_url"]) == (None, None, None)
        assert told["explicit"] is False

    def test_keeps_the_slug(self, owner_client, show):
        answer = owner_client.patch(
            f"/api/shows/{show.pk}", {"slug": "other", "title": "Other"}, format="json"
        )

        assert answer.json()["show"]["slug"] == "daily-ai-briefing"

    def test_raises_the_revision_that_the_feed_follows(self, owner_client, show):
        owner_client.patch(f"/api/shows/{show.pk}", {"title": "Other"}, format="json")

        assert Show.objects.get(pk=show.pk).revision == show.revision + 1


class TestList:
    def test_holds_only_the_callers_shows(self, owner_client, stranger_client, show):
        assert owner_client.get("/api/shows").json()["count"] == 1
        assert stranger_client.get("/api/shows").json() == {
            "success": True,
            "shows": [],
            "count": 0,
        }

    def test_takes_as_many_queries_for_four_as_for_one(self, owner_client, owner, show, now):
        owner_client.get("/api/shows")
        with CaptureQueriesContext(connection) as one:
            owner_client.get("/api/shows")
        for _ in range(3):
            create_show(account=owner, draft=ShowDraft(title="More"), now=now)

        with CaptureQueriesContext(connection) as four:
            answer = owner_client.get("/api/shows")

        assert answer.json()["count"] == 4
        assert len(four) == len(one)
        assert len(one) <= 2
