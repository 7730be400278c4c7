"""Private feeds for one listener each: opened by an address of their own, closed when it is taken back."""

from __future__ import annotations

import gzip

import pytest
from django.db import IntegrityError

from shows.models import FeedListener, Show

LISTENERS = "/api/v1/feed/listeners"


def path_of(answer):
    return answer.json()["feed_url"].removeprefix("https://podcasts.example")


@pytest.fixture
def listener(owner_client):
    answer = owner_client.post(LISTENERS, {"name": "Aunt May"}, format="json")
    assert answer.status_code == 201
    return answer


class TestFeeds:
    def test_are_private_by_name_and_take_narrations(self, owner_client, client):
        made = owner_client.post("/api/v1/feeds", {"title": "For the car"}, format="json")
        assert made.status_code == 201, made.content
        feed = made.json()

        text = {"source_type": "text", "text": "Trains are never late in this valley. " * 9}
        sent = {**text, "show_id": feed["id"]}
        assert owner_client.post("/api/v1/episodes", sent, format="json").status_code == 201

        assert Show.objects.get(pk=feed["id"]).episodes.count() == 1
        assert b"<title>For the car</title>" in client.get(path_of(made)).content
        assert client.get(f"/api/shows/{feed['id']}/feed").status_code == 404
        assert owner_client.get("/api/v1/feeds").json() == {"feeds": [feed]}
        own = owner_client.post(
            f"/api/v1/feed/{feed['id']}/listeners", {"name": "B"}, format="json"
        )
        assert own.status_code == 201

    @pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": 5}, {"title": "x" * 256}, []])
    def test_need_a_title(self, owner_client, body):
        answer = owner_client.post("/api/v1/feeds", body, format="json")

        assert answer.status_code == 400
        assert "title" in answer.json()["error"] or body == []
        assert not Show.objects.exists()

    def test_count_as_shows_of_the_plan(self, owner_client):
        for _ in range(5):
            owner_client.post("/api/v1/feeds", {"title": "One more"}, format="json")

        answer = owner_client.post("/api/v1/feeds", {"title": "One more"}, format="json")

        assert answer.status_code == 402
        assert list(answer.json()) == ["error"]

    def test_of_others_are_not_shown(self, owner_client, stranger_client):
        owner_client.post("/api/v1/feeds", {"title": "Mine"}, format="json")

        assert stranger_client.get("/api/v1/feeds").json() == {"feeds": []}


class TestListeners:
    def test_get_the_feed_under_an_address_of_their_own(self, owner_client, client, listener):
        own = path_of(owner_client.get("/api/v1/feed"))
        theirs = path_of(listener)
        assert theirs != own

        feed = client.get(theirs)

        assert feed.status_code == 200
        token = Show.objects.get().feed_token
        assert token.encode() not in feed.content
        assert theirs.encode() in feed.content
        packed = client.get(theirs, headers={"Accept-Encoding": "gzip"})
        assert gzip.decompress(packed.content) == feed.content
        assert client.get(theirs, headers={"If-None-Match": feed["ETag"]}).status_code == 304

    def test_lose_it_at_once_and_alone(self, owner_client, client, listener):
        other = owner_client.post(LISTENERS, {"name": "Bob"}, format="json")
        assert client.get(path_of(listener)).status_code == 200

        gone = owner_client.delete(f"{LISTENERS}/{listener.json()['id']}")

        assert gone.json() == {"deleted": True}
        assert client.get(path_of(listener)).status_code == 404
        assert client.get(path_of(other)).status_code == 200
        assert client.get(path_of(owner_client.get("/api/v1/feed"))).status_code == 200
        assert owner_client.delete(f"{LISTENERS}/{listener.json()['id']}").status_code == 404

    def test_are_listed(self, owner_client, listener):
        assert owner_client.get(LISTENERS).json() == {"listeners": [listener.json()]}

    def test_of_another_show_have_its_feed(self, owner_client, client, show):
        Show.objects.filter(pk=show.pk).update(visibility="private")

        answer = owner_client.post(
            f"/api/v1/feed/{show.pk}/listeners", {"name": "Bob"}, format="json"
        )

        assert b"Daily AI Briefing" in client.get(path_of(answer)).content

    def test_are_not_needed_for_a_public_show(self, owner_client, show):
        answer = owner_client.post(
            f"/api/v1/feed/{show.pk}/listeners", {"name": "Bob"}, format="json"
        )

        assert answer.status_code == 409

    def test_are_hidden_from_strangers(self, stranger_client, owner_client, listener, show):
        number = listener.json()["id"]

        assert stranger_client.get(LISTENERS).json() == {"listeners": []}
        assert stranger_client.delete(f"{LISTENERS}/{number}").status_code == 404
        assert stranger_client.get(f"/api/v1/feed/{show.pk}/listeners").status_code == 404

    @pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": 5}, {"name": "x" * 256}, []])
    def test_need_a_name(self, owner_client, body):
        answer = owner_client.post(LISTENERS, body, format="json")

        assert answer.status_code in {400, 422}
        assert list(answer.json()) == ["error"]

    def test_the_database_demands_a_name_too(self, show, now):
        with pytest.raises(IntegrityError, match="feedlistener_name_not_empty"):
            FeedListener.objects.create(show=show, name="", token="x", created_at=now)
