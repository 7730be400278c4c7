"""Tests of E27 against a local server that speaks OP3's API (contracts/analytics.md O1 to O7)."""

from __future__ import annotations

import ipaddress
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache

from analytics import op3
from analytics.models import Counter
from analytics.op3 import op3_counts
from analytics.serializers import second
from tests.analytics.hit_making import count, make_hit
from tests.contracts import examples
from tests.contracts.test_podclaw_analytics import assert_shaped_like
from tests.factories.published import publish_external
from tests.fakes.web_server import WebServer, answer

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
SHOW_UUID = "a" * 32


def as_json(body, **options):
    return answer(json.dumps(body).encode(), content_type="application/json", **options)


@pytest.fixture(autouse=True)
def _in_march():
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def episode(owner, show):
    return publish_external(owner, show, now=NOW - timedelta(days=5), title="Ep 5")


@pytest.fixture
def server(settings, show, episode):
    with WebServer() as running:
        settings.OP3_PREFIX, settings.OP3_TOKEN = "https://op3.dev/e/", "secret-token"
        settings.OP3_API_BASE = running.url("/api/1")
        settings.OUTBOUND_ALLOW = (ipaddress.ip_network("127.0.0.0/8"),)
        running.routes[f"/api/1/shows/{show.podcast_guid}?episodes=include"] = as_json(
            {"showUuid": SHOW_UUID, "episodes": [{"id": "e1", "itemGuid": str(episode.guid)}]}
        )
        pages = f"/api/1/downloads/show/{SHOW_UUID}?start=2026-02-12&end=2026-03-14&bots=exclude"
        running.pages = f"{pages}&format=json&limit=20000"
        running.routes[running.pages] = as_json(
            {"rows": [{"episodeId": "e1"}] * 3 + [{}], "continuationToken": "next"}
        )
        running.routes[f"{running.pages}&continuationToken=next"] = as_json(
            {"rows": [{"episodeId": "e1"}, {"episodeId": "gone"}]}
        )
        yield running


@pytest.fixture
def ask(owner_client, show):
    def get(**query):
        return owner_client.get(f"/api/v1/shows/{show.pk}/analytics", query)

    return get


class TestOp3:
    def test_answers_as_the_page_shows(self, ask, server, show, episode):
        body = ask().json()

        assert_shaped_like(examples.OP3, body)
        found = body["op3"]
        assert found["op3_url"] == f"https://op3.dev/show/{show.podcast_guid}"
        assert (found["period_days"], found["total_downloads"]) == (30, 6)
        assert found["episodes"] == [
            {"episode_guid": str(episode.guid), "title": "Ep 5", "downloads": 4}
        ]
        assert (found["source"], found["truncated"]) == ("op3", False)

    @pytest.mark.parametrize(("ours", "difference"), [(6, 0.0), (5, 16.7)])
    def test_r79_stands_beside_our_own_count(self, ask, server, episode, ours, difference):
        at = NOW - timedelta(days=1)
        count(*(make_hit(at, listener=str(n), episode_id=episode.pk) for n in range(ours)))

        assert ask().json()["own"] == {
            "total_downloads": ours,
            "difference_percent": difference,
            "in_agreement": difference <= 5,
        }

    def test_is_asked_once_and_its_token_stays_in_the_header(self, ask, server, caplog):
        for _ in range(3):
            answered = ask()

        assert len(server.requests) == 3
        assert server.request_headers()["authorization"] == "Bearer secret-token"
        assert not any(b"secret-token" in text.split(b"\r\n")[0] for text in server.requests)
        assert "secret-token" not in caplog.text + answered.content.decode()

    def test_is_asked_once_by_many_at_a_time(self, server, show):
        with ThreadPoolExecutor(4) as pool:
            found = list(
                pool.map(
                    lambda _: op3_counts(str(show.podcast_guid), days=30, now=NOW).total, range(4)
                )
            )

        assert found == [6] * 4
        assert len(server.requests) == 3

    def test_that_fails_is_not_asked_again_by_all_who_waited(self, server, show, monkeypatch):
        flight = f"op3:{show.podcast_guid}:30:2026-03-14:flight"
        cache.set(flight, 1)
        monkeypatch.setattr(op3.time, "sleep", lambda _seconds: cache.delete(flight))

        with pytest.raises(op3.Op3Unavailable):
            op3_counts(str(show.podcast_guid), days=30, now=NOW)

        assert server.requests == []

    def test_that_does_not_know_the_show_has_counted_nothing(self, ask, server, show):
        server.routes[f"/api/1/shows/{show.podcast_guid}?episodes=include"] = as_json(
            {"error": "not found"}, status="404 Not Found"
        )

        found = ask().json()["op3"]

        assert (found["total_downloads"], found["episodes"], found["found"]) == (0, [], False)

    @pytest.mark.parametrize(
        "broken",
        [
            answer(status="500 Internal Server Error"),
            answer(b"slow down", status="429 Too Many Requests"),
            answer(b"<html>"),
            as_json({"rows": 7}),
            b"nonsense",
        ],
    )
    def test_that_fails_is_502(self, ask, server, broken):
        server.routes[server.pages] = broken

        answered = ask()

        assert answered.status_code == 502
        assert answered.json()["code"] == "op3_unavailable"

    def test_that_fails_later_is_answered_from_what_was_kept(self, ask, server):
        ask()
        server.routes[server.pages] = answer(status="500 Internal Server Error")
        with time_machine.travel(NOW + timedelta(days=1)):
            found = ask().json()["op3"]

        assert (found["total_downloads"], found["is_stale"]) == (6, True)
        assert found["as_of"] == "2026-03-14T12:00:00Z"

    def test_with_too_many_pages_says_so(self, ask, server, monkeypatch):
        monkeypatch.setattr(op3, "MOST_PAGES", 1)

        assert ask().json()["op3"]["truncated"] is True


class TestWithoutOp3:
    @pytest.mark.parametrize("missing", ["OP3_PREFIX", "OP3_TOKEN"])
    def test_our_own_count_answers_in_the_same_shape(self, ask, server, settings, episode, missing):
        setattr(settings, missing, "")
        count(make_hit(NOW - timedelta(days=1), episode_id=episode.pk))
        count(make_hit(NOW, episode_id=episode.pk, listener="today"))

        found = ask(days=7, limit=5).json()["op3"]

        assert_shaped_like(examples.OP3["op3"], found)
        assert (found["source"], found["period_days"], found["total_downloads"]) == ("local", 7, 1)
        assert uuid.UUID(found["episodes"][0]["episode_guid"]) == episode.guid
        assert found["as_of"] == second(Counter.objects.get().counted_at)
        assert server.requests == []

    def test_a_show_may_keep_out(self, owner_client, ask, server, show, settings):
        changed = owner_client.patch(f"/api/shows/{show.pk}", {"op3": False}, format="json")

        assert changed.json()["show"]["op3"] is False
        assert ask().json()["op3"]["source"] == "local"
        feed = owner_client.get(f"/api/shows/{show.pk}/feed").content.decode()
        assert "op3.dev" not in feed


@pytest.mark.parametrize(("query", "days"), [({"days": 0}, 1), ({"days": 900}, 90), ({}, 30)])
def test_days_are_clamped(ask, episode, query, days):
    assert ask(**query).json()["op3"]["period_days"] == days


@pytest.mark.parametrize("field", ["days", "limit"])
def test_what_is_no_number_is_400(ask, episode, field):
    answered = ask(**{field: "-3"})

    assert (answered.status_code, answered.json()["field"]) == (400, field)
