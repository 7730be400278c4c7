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
