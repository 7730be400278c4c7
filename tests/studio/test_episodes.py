from __future__ import annotations

from datetime import timedelta

import pytest

from core.times import iso_milliseconds
from shows.models import Show
from tests.factories.published import publish_external, publish_produced


@pytest.fixture
def show(podcast) -> Show:
    return Show.objects.get()


@pytest.fixture
def episode(owner, show, now):
    """A draft with audio."""
    return publish_produced(owner, show, now=now, publish=False)


@pytest.fixture
def path(episode):
    return f"/v1/episodes/{episode.uuid}"


class TestList:
    def test_names_each_status(self, owner_client, owner, show, episode, podcast, now):
        publish_external(owner, show, now=now)
        later = now + timedelta(days=20_000)
        publish_external(owner, show, now=now, publish_at=later)

        def statuses(**query):
            found = owner_client.get("/v1/episodes", query).json()["data"]
            return sorted(one["status"] for one in found)

        assert statuses() == ["draft", "published", "scheduled"]
        assert statuses(podcast_id=podcast["id"]) == statuses()
        for status in ("draft", "published", "scheduled"):
            assert statuses(status=status) == [status]
        for status in ("generating", "failed", "ready"):
            assert statuses(status=status) == []
        assert owner_client.get("/v1/episodes", {"status": "publishing"}).status_code == 400
        assert owner_client.get("/v1/episodes", {"podcast_id": "x"}).status_code == 400

    def test_asks_as_often_for_many_as_for_few(
        self, owner_client, owner, show, now, django_assert_max_num_queries
    ):
        for _ in range(6):
            publish_external(owner, show, now=now)

        with django_assert_max_num_queries(6):
            assert len(owner_client.get("/v1/episodes").json()["data"]) == 6

    def test_leaves_out_shows_that_the_studio_does_not_know(self, owner_client, owner, now):
        from shows.services import ShowDraft, create_show  # noqa: PLC0415 - this test alone

        other = create_show(account=owner, draft=ShowDraft(title="Hosted"), now=now)
        publish_external(owner, other, now=now)

        assert owner_client.get("/v1/episodes").json()["data"] == []


class TestPublish:
    def test_publishes_now(self, owner_client, path, episode):
        answer = owner_client.post(f"{path}/publish")

        assert answer.status_code == 200
        assert answer.json() == {"data": {"id": str(episode.uuid), "status": "publishing"}}
        assert owner_client.get(path).json()["data"]["status"] == "published"
        assert owner_client.post(f"{path}/publish").status_code == 422

    def test_schedules(self, owner_client, path):
        body = {"scheduled_time": "2999-01-01T00:00:00Z"}

        assert owner_client.post(f"{path}/publish", body, format="json").status_code == 200
        assert owner_client.get(path).json()["data"]["status"] == "scheduled"

    @pytest.mark.parametrize("time", ["yesterday", 5, "2020-01-01T00:00:00Z", ["x"]])
    def test_refuses_a_time_that_is_none_or_past(self, owner_client, path, time):
        answer = owner_client.post(f"{path}/publish", {"scheduled_time": time}, format="json")

        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "scheduled_time"
        assert owner_client.get(path).json()["data"]["status"] == "draft"

    def test_takes_back_what_is_published_or_scheduled_only(self, owner_client, path):
        assert owner_client.post(f"{path}/unpublish").status_code == 422
        owner_client.post(f"{path}/publish")

        answer = owner_client.post(f"{path}/unpublish")

        assert answer.status_code == 200
        assert answer.json()["data"]["status"] == "draft"

    @pytest.mark.parametrize("call", ["publish", "unpublish"])
    def test_is_404_for_a_stranger(self, stranger_client, path, call):
        assert stranger_client.post(f"{path}/{call}").status_code == 404


class TestEpisode:
    def test_is_changed(self, owner_client, path):
        body = {"title": "New", "description": "Notes", "season": 2}

        changed = owner_client.patch(path, body, format="json")

        assert changed.status_code == 200
        assert changed.json()["data"]["title"] == "New"
        assert owner_client.patch(path, {}, format="json").status_code == 200
        assert owner_client.patch(path, {"season": "x"}, format="json").status_code == 400

    def test_is_deleted_once(self, owner_client, path):
        assert owner_client.delete(path).status_code == 204
        assert owner_client.delete(path).status_code == 404

    def test_has_no_times_before_it_has_a_timeline(self, owner_client, owner, show, now):
        made = publish_external(owner, show, now=now)

        answer = owner_client.get(f"/v1/episodes/{made.uuid}/timestamps")

        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"

    def test_shows_times_in_milliseconds(self, owner_client, path, episode):
        shown = owner_client.get(path).json()["data"]

        assert shown["created_at"] == iso_milliseconds(episode.created_at)
        assert shown["duration"] == 61
        assert shown["audio_url"].endswith(".mp3")
