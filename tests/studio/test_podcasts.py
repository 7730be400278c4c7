from __future__ import annotations

import pytest

from shows.models import Show
from studio.models import StudioPodcast


class TestCreate:
    def test_gives_a_show_that_the_other_contract_knows_too(self, owner_client, podcast):
        shows = owner_client.get("/api/shows").json()["shows"]

        assert [show["title"] for show in shows] == ["The AI Revolution"]
        assert podcast["rss_feed_url"] == shows[0]["feed_url"]
        assert podcast["show_visibility"] == "unlisted"
        assert podcast["episode_ids"] == []

    def test_gives_a_private_show_a_private_feed(self, owner_client, hosts):
        body = {"title": "Ours", "host_ids": [hosts[0]["id"]], "show_visibility": "private"}

        made = owner_client.post("/v1/podcasts", body, format="json").json()["data"]

        assert "/feeds/podcast_" in made["rss_feed_url"]
        assert Show.objects.get().is_private

    def test_names_every_field_at_fault(self, owner_client):
        body = {"title": "", "show_order": "random"}

        answer = owner_client.post("/v1/podcasts", body, format="json")

        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["code"] == "validation_error"
        assert error["request_id"].startswith("req_")
        assert {detail["field"] for detail in error["details"]} == {
            "title",
            "host_ids",
            "show_order",
        }

    @pytest.mark.parametrize("host_ids", [[], ["zzzzzzzz"], ["'; --"], [1], "abc", None, [None]])
    def test_refuses_hosts_that_are_none(self, owner_client, host_ids):
        body = {"title": "A", "host_ids": host_ids}

        answer = owner_client.post("/v1/podcasts", body, format="json")

        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"].startswith("host_ids")

    def test_refuses_more_hosts_than_four(self, owner_client, hosts, now):
        voice = hosts[0]["voice_id"]
        made = [
            owner_client.post(
                "/v1/hosts",
                {"name": f"H{number}", "backstory": "Ten characters.", "voice_id": voice},
                format="json",
            ).json()["data"]["id"]
            for number in range(5)
        ]

        answer = owner_client.post("/v1/podcasts", {"title": "A", "host_ids": made}, format="json")

        assert answer.status_code == 400

    def test_refuses_another_accounts_host(self, owner_client, stranger_client):
        theirs = stranger_client.get("/v1/hosts").json()["data"][0]["id"]

        answer = owner_client.post(
            "/v1/podcasts", {"title": "A", "host_ids": [theirs]}, format="json"
        )

        assert answer.status_code == 400

    def test_answers_402_when_the_plan_has_no_room(self, owner_client, hosts):
        body = {"title": "A", "host_ids": [hosts[0]["id"]]}
        for _ in range(5):
            assert owner_client.post("/v1/podcasts", body, format="json").status_code == 201

        answer = owner_client.post("/v1/podcasts", body, format="json")

        assert answer.status_code == 402
        assert answer.json()["error"]["code"] == "insufficient_credits"
        assert StudioPodcast.objects.count() == 5


class TestChange:
    def test_changes_what_is_named_and_leaves_the_rest(self, owner_client, podcast, hosts):
        body = {"description": "New", "show_order": "serial", "host_ids": [hosts[2]["id"]]}

        answer = owner_client.patch(f"/v1/podcasts/{podcast['id']}", body, format="json")

        assert answer.status_code == 200
        changed = answer.json()["data"]
        assert changed | {"updated_at": ""} == podcast | {
            "description": "New",
            "show_order": "serial",
            "host_ids": [hosts[2]["id"]],
            "updated_at": "",
        }

    def test_makes_a_public_show_private(self, owner_client, podcast):
        body = {"show_visibility": "private"}

        changed = owner_client.patch(f"/v1/podcasts/{podcast['id']}", body, format="json").json()

        assert changed["data"]["show_visibility"] == "private"
        assert "/feeds/podcast_" in changed["data"]["rss_feed_url"]

    def test_accepts_an_empty_change(self, owner_client, podcast):
        assert (
            owner_client.patch(f"/v1/podcasts/{podcast['id']}", {}, format="json").status_code
            == 200
        )


class TestDelete:
    def test_takes_the_show_and_answers_404_after_it(self, owner_client, podcast):
        path = f"/v1/podcasts/{podcast['id']}"

        assert owner_client.delete(path).status_code == 204
        assert owner_client.delete(path).status_code == 404
        assert not Show.objects.exists()

    @pytest.mark.parametrize("method", ["get", "patch", "delete"])
    def test_is_404_for_a_stranger(self, stranger_client, podcast, method):
        answer = getattr(stranger_client, method)(f"/v1/podcasts/{podcast['id']}", format="json")

        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"
        assert Show.objects.exists()


class TestList:
    def test_pages_by_cursor_without_loss_or_repetition(self, owner_client, hosts):
        for number in range(5):
            body = {"title": f"Show {number}", "host_ids": [hosts[0]["id"]]}
            owner_client.post("/v1/podcasts", body, format="json")
        seen, cursor = [], ""

        while cursor is not None:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = owner_client.get("/v1/podcasts", query).json()
            seen += [podcast["title"] for podcast in page["data"]]
            assert page["pagination"]["has_more"] == (page["pagination"]["next_cursor"] is not None)
            cursor = page["pagination"]["next_cursor"]

        assert seen == [f"Show {number}" for number in (4, 3, 2, 1, 0)]

    @pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1.5", "9" * 400])
    def test_refuses_a_limit_that_is_none(self, owner_client, limit):
        answer = owner_client.get("/v1/podcasts", {"limit": limit})

        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "limit"

    @pytest.mark.parametrize(
        "cursor",
        ["x", "🚂", "AAAA", "WyIyMDI2IiwxXQ", "bnVsbA", "e30", "W1tbW1tbW1tb", "a" * 5_000],
    )
    def test_refuses_a_cursor_that_is_none(self, owner_client, cursor):
        answer = owner_client.get("/v1/podcasts", {"cursor": cursor})

        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "cursor"


class TestEveryCall:
    @pytest.mark.parametrize(
        "path",
        [
            "/v1",
            "/v1/",
            "/v1/nothing",
            "/v1/podcasts/not-a-uuid",
            "/v1/podcasts/497f6eca-6276-4993-bfeb-53cbbbba6f08/",
            "/v1/episodes/1",
            "/v1/voices/99999999999999999999",
        ],
    )
    def test_answers_unknown_addresses_in_the_contracts_body(self, anonymous_client, path):
        answer = anonymous_client.get(path)

        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"

    @pytest.mark.parametrize(
        "path", ["podcasts", "episodes", "hosts", "voices", "sources", "account"]
    )
    def test_asks_for_a_key(self, anonymous_client, path):
        answer = anonymous_client.get(f"/v1/{path}")

        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "unauthorized"

    def test_tells_the_limit(self, owner_client, settings):
        settings.REQUESTS_PER_MINUTE = 60
        answer = owner_client.get("/v1/account")

        assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} <= set(answer.headers)

    @pytest.mark.parametrize(
        ("content", "content_type"),
        [("{", "application/json"), ("[1]", "application/json"), ("a=b", "text/plain")],
    )
    def test_refuses_a_body_that_is_none(self, owner_client, content, content_type):
        answer = owner_client.post("/v1/podcasts", content, content_type=content_type)

        assert answer.status_code == 400
        assert answer.json()["error"]["code"] in {"bad_request", "validation_error"}
        assert "\0" not in answer.content.decode()
