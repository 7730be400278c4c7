"""The analytics calls of the PodClaw API page: shapes, and the arithmetic of its examples."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from analytics.models import AccountDayApp, App, EpisodeDay, EpisodeTotal, ListenerSet, ShowDay
from analytics.salts import audience_period
from analytics.sketches import ListenerHashes
from billing.plans import AGENT_PRO
from billing.services import grant_plan
from shows.services import delete_show
from tests.analytics.hit_making import count, make_hit
from tests.contracts import examples
from tests.factories.published import publish_external

PUBLISHED = datetime(2025, 11, 1, tzinfo=UTC)
NOW = datetime(2025, 12, 16, tzinfo=UTC)
SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def assert_shaped_like(example, answer, path="$"):
    """Every member of the example, of its type and, for moments, its form."""
    if isinstance(example, dict):
        assert set(answer) >= set(example), path
        for name, value in example.items():
            assert_shaped_like(value, answer[name], f"{path}.{name}")
    elif isinstance(example, list):
        assert answer, path
        for item in answer:
            assert_shaped_like(example[0], item, path)
    elif isinstance(example, str) and SECOND.fullmatch(example):
        assert SECOND.fullmatch(answer), path
    else:
        assert type(answer) is type(example), path


@pytest.fixture(autouse=True)
def _in_december():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def episode(owner, show):
    return publish_external(owner, show, now=PUBLISHED, title="Ep 7: GPT-5")


@pytest.fixture
def pro(owner, episode):
    grant_plan(account_id=owner.pk, plan=AGENT_PRO, now=NOW)
    return owner


def note(episode, day, downloads, *, app="Apple Podcasts", listeners=0, first=0):
    """Sums of one day as the counter writes them."""
    account, show = episode.show.account_id, episode.show_id
    total, _ = EpisodeTotal.objects.get_or_create(
        pk=episode.pk, defaults={"show_id": show, "account_id": account}
    )
    total.downloads += downloads
    total.save()
    for model, known in (
        (ShowDay, {"show_id": show, "account_id": account}),
        (EpisodeDay, {"episode_id": episode.pk, "show_id": show, "account_id": account}),
        (
            AccountDayApp,
            {
                "account_id": account,
                "app_id": App.objects.get_or_create(name=app, defaults={"created_at": PUBLISHED})[
                    0
                ].pk,
            },
        ),
    ):
        row, _ = model.objects.get_or_create(day=day, **known)
        row.downloads += downloads
        row.save()
    if listeners:
        members = ListenerHashes()
        members.add(range(first, first + listeners))
        for period in (audience_period(day), audience_period(day) - 1):
            ListenerSet.objects.create(
                account_id=account,
                day=day,
                app_id=App.objects.get(name=app).pk,
                period=period,
                members=members.packed(),
                is_sketch=members.is_sketch,
            )


class TestShow:
    def test_answers_as_the_page_shows(self, owner_client, pro, show, episode):
        count(make_hit(NOW - timedelta(days=1), episode_id=episode.pk))

        body = owner_client.get(f"/api/shows/{show.pk}/analytics").json()

        assert_shaped_like(examples.SHOW_ANALYTICS, body)
        assert body["analytics"]["plan_tier"] == "agent_pro"
        assert len(body["analytics"]["growth_trend"]["data"]) == 30

    def test_has_the_average_of_the_example(self, owner_client, pro, owner, show, episode):
        for number in range(11):
            publish_external(owner, show, now=PUBLISHED, title=f"Ep {number}")
        note(episode, date(2025, 11, 2), 4_823)

        summary = owner_client.get(f"/api/shows/{show.pk}/analytics").json()["analytics"]["summary"]

        example = examples.SHOW_ANALYTICS["analytics"]["summary"]
        assert summary["avg_downloads_per_episode"] == example["avg_downloads_per_episode"]
        assert summary["downloads_last_30d"] == 0

    def test_shows_totals_alone_on_sandbox(self, owner_client, show, episode, settings):
        analytics = owner_client.get(f"/api/shows/{show.pk}/analytics").json()["analytics"]

        assert analytics["plan_tier"] == "sandbox"
        assert not {"top_episodes", "growth_trend"} & set(analytics)
        assert "Agent Pro" in analytics["hint"]
        settings.ANALYTICS_GATED = False
        analytics = owner_client.get(f"/api/shows/{show.pk}/analytics").json()["analytics"]
        assert {"top_episodes", "growth_trend"} <= set(analytics)


class TestEpisode:
    def test_answers_as_the_page_shows(self, owner_client, pro, episode):
        count(make_hit(PUBLISHED + timedelta(hours=3), episode_id=episode.pk))

        body = owner_client.get(f"/api/episodes/{episode.pk}/analytics").json()

        assert_shaped_like(examples.EPISODE_ANALYTICS, body)
        velocity = body["analytics"]["download_velocity"]
        assert (velocity["first_24h"], velocity["first_30d"]) == (1, 1)
        assert body["episode"]["published_at"] == "2025-11-01T00:00:00Z"

    def test_starts_its_days_on_the_day_of_publication(self, owner_client, pro, owner, show):
        episode = publish_external(owner, show, now=NOW - timedelta(days=9))

        path = f"/api/episodes/{episode.pk}/analytics"
        series = owner_client.get(path).json()["analytics"]["downloads_over_time"]
        second = owner_client.get(path, {"page": 2, "limit": 4}).json()["analytics"]

        assert series["data"][0]["date"] == "2025-12-07"
        assert series["pagination"] == {"page": 1, "limit": 30, "total": 10, "pages": 1}
        assert [row["date"] for row in second["downloads_over_time"]["data"]] == [
            f"2025-12-{day}" for day in (11, 12, 13, 14)
        ]

    def test_shows_the_total_alone_on_sandbox(self, owner_client, episode):
        analytics = owner_client.get(f"/api/episodes/{episode.pk}/analytics").json()["analytics"]

        assert not {"downloads_over_time", "download_velocity"} & set(analytics)


class TestDownloads:
    def test_answers_as_the_page_shows(self, owner_client, pro, episode):
        count(make_hit(NOW - timedelta(days=1), episode_id=episode.pk))

        analytics = owner_client.get("/api/analytics/downloads").json()["analytics"]

        assert_shaped_like(examples.DOWNLOADS["analytics"], analytics)
        example = examples.DOWNLOADS["analytics"]
        assert (analytics["from"], analytics["to"]) == (example["from"], example["to"])
        assert analytics["time_series"]["pagination"] == example["time_series"]["pagination"]

    def test_shows_the_series_without_breakdowns_on_sandbox(self, owner_client, episode):
        analytics = owner_client.get("/api/analytics/downloads").json()["analytics"]

        assert len(analytics["time_series"]["data"]) == 30
        assert not {"by_show", "top_episodes"} & set(analytics)

    def test_says_what_deleted_shows_had(self, owner_client, pro, owner, show, episode):
        count(make_hit(NOW - timedelta(days=1), episode_id=episode.pk))
        delete_show(account=owner, show_id=show.pk, now=NOW)

        analytics = owner_client.get("/api/analytics/downloads").json()["analytics"]

        assert (analytics["total_downloads"], analytics["by_show"]) == (1, [])
        assert analytics["downloads_of_deleted_shows"] == 1
        assert analytics["top_episodes"] == []


class TestListeners:
    def test_has_the_arithmetic_of_the_example(self, owner_client, pro, episode):
        first = 0
        for row in examples.LISTENERS["analytics"]["podcast_apps"]:
            note(
                episode,
                date(2025, 12, 1),
                row["downloads"],
                app=row["app_name"],
                listeners=row["unique_listeners"],
                first=first,
            )
            first += 10_000

        body = owner_client.get("/api/analytics/listeners").json()

        assert_shaped_like(examples.LISTENERS, body)
        example = examples.LISTENERS["analytics"]
        analytics = body["analytics"]
        assert analytics["podcast_apps"] == example["podcast_apps"]
        for name, value in example["summary"].items():
            assert analytics["summary"][name] == value

    def test_shows_the_summary_alone_on_sandbox(self, owner_client, episode):
        analytics = owner_client.get("/api/analytics/listeners").json()["analytics"]

        assert "podcast_apps" not in analytics
        assert analytics["summary"]["unique_listeners_estimate"] == 0


class TestBothShowAddresses:
    def test_answer_different_things(self, owner_client, show, episode):
        local = owner_client.get(f"/api/shows/{show.pk}/analytics").json()
        op3 = owner_client.get(f"/api/v1/shows/{show.pk}/analytics").json()

        assert "analytics" in local
        assert "op3" in op3


PATHS = (
    "/api/shows/{show}/analytics",
    "/api/v1/shows/{show}/analytics",
    "/api/episodes/{episode}/analytics",
    "/api/v1/episodes/{episode}/analytics",
    "/api/episodes/{episode}/analytics/funnel",
    "/api/analytics/downloads",
    "/api/v1/analytics/listeners",
    "/api/analytics/method",
)


@pytest.mark.parametrize("path", PATHS)
class TestRefusals:
    def test_without_a_key_it_is_401(self, anonymous_client, show, episode, path):
        answer = anonymous_client.get(path.format(show=show.pk, episode=episode.pk))

        assert answer.status_code == 401
        assert answer.json()["success"] is False

    def test_a_stranger_learns_nothing(self, stranger_client, show, episode, path):
        answer = stranger_client.get(path.format(show=show.pk, episode=episode.pk))

        if "{" in path:
            assert answer.status_code == 404
        else:
            assert "Ep 7" not in answer.content.decode()

    def test_another_method_is_405(self, owner_client, show, episode, path):
        answer = owner_client.post(path.format(show=show.pk, episode=episode.pk))

        assert answer.status_code == 405
        assert answer.json()["success"] is False


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("to=2025-13-01", "to"),
        ("from=2025-12-02&to=2025-12-01", "from"),
        ("from=2025-12-01&to=2025-12-01", "from"),
        ("from=1900-01-01", "from"),
        ("from=2001-01-01&to=2025-12-01", "from"),
        ("period=hour", "period"),
        ("page=-1", "page"),
        ("limit=many", "limit"),
        ("limit=-5", "limit"),
        ("format=xml", "format"),
        ("from=%00", "from"),
    ],
)
def test_what_cannot_be_read_is_400_and_named(owner_client, episode, query, field):
    answer = owner_client.get(f"/api/analytics/downloads?{query}")

    assert answer.status_code == 400
    assert answer.json()["field"] == field


def test_larger_limits_are_clamped(owner_client, episode):
    query = {"from": "2025-01-01", "limit": "9999999999999999999"}

    series = owner_client.get("/api/analytics/downloads", query).json()["analytics"]["time_series"]

    assert len(series["data"]) == series["pagination"]["limit"] == 200


def test_tables_come_as_csv(owner_client, pro, show, episode):
    count(make_hit(NOW - timedelta(days=1), episode_id=episode.pk))
    for path, columns in (
        (f"/api/shows/{show.pk}/analytics", "date,downloads"),
        (f"/api/episodes/{episode.pk}/analytics", "date,downloads"),
        ("/api/analytics/downloads", "period_start,downloads"),
        ("/api/analytics/listeners", "app_name,downloads,unique_listeners,pct_of_downloads"),
    ):
        answer = owner_client.get(path, {"format": "csv"})

        lines = answer.content.decode().splitlines()
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert lines[0] == columns
        assert any(",1" in line for line in lines[1:])
