"""Tests of how a feed ends, moves, and comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from feeds.tasks import sweep_task
from shows.models import DeletedShow, Show
from shows.services import delete_show, ensure_narration_show, forget_deleted_shows

NEW_HOME = "https://elsewhere.example/feed.xml"


@pytest.fixture
def path(show):
    return f"/api/shows/{show.pk}"


@pytest.fixture
def private_show(owner, now):
    with transaction.atomic():
        return ensure_narration_show(account=owner, now=now)


class TestEnding:
    def test_makes_the_feed_410_until_it_is_taken_back(self, client, owner_client, path):
        first = client.get(f"{path}/feed")

        ended = owner_client.post(f"{path}/retire")

        assert ended.status_code == 200
        assert ended.json()["show"]["retired_at"]
        for address in (f"{path}/feed", f"{path}/feed?page=2"):
            gone = client.get(address)
            assert gone.status_code == 410
            assert gone.json() == {"success": False, "error": "This show has ended"}
        head = client.head(f"{path}/feed")
        assert (head.status_code, head.content) == (410, b"")

        back = owner_client.delete(f"{path}/retire")

        assert back.json()["show"]["retired_at"] is None
        assert client.get(f"{path}/feed").status_code == first.status_code == 200

    def test_twice_is_as_good_as_once(self, owner_client, path):
        first, second = (owner_client.post(f"{path}/retire").json() for _ in range(2))

        assert first == second
        for _ in range(2):
            assert owner_client.delete(f"{path}/retire").status_code == 200

    def test_ends_a_private_feed_without_a_body(self, client, owner_client, private_show):
        address = f"/feeds/{private_show.feed_token}.xml"
        assert client.get(address).status_code == 200

        owner_client.post(f"/api/shows/{private_show.pk}/retire")

        gone = client.get(address)
        assert (gone.status_code, gone.content) == (410, b"")

    def test_is_for_the_owner_alone(self, stranger_client, path):
        assert stranger_client.post(f"{path}/retire").status_code == 404
        assert stranger_client.delete(f"{path}/retire").status_code == 404


class TestMoving:
    def test_leads_apps_to_the_new_address_until_it_is_taken_back(
        self, client, owner_client, path, show
    ):
        client.get(f"{path}/feed")

        moved = owner_client.patch(path, {"new_feed_url": NEW_HOME}, format="json")

        assert moved.json()["show"]["new_feed_url"] == NEW_HOME
        for address in (f"{path}/feed", f"/feeds/{show.feed_token}.xml"):
            for answer in (client.get(address), client.head(address)):
                assert answer.status_code == 301
                assert answer["Location"] == NEW_HOME

        owner_client.patch(path, {"new_feed_url": None}, format="json")

        assert client.get(f"{path}/feed").status_code == 200

    def test_goes_before_ending(self, client, owner_client, path):
        owner_client.post(f"{path}/retire")
        owner_client.patch(path, {"new_feed_url": NEW_HOME}, format="json")

        assert client.get(f"{path}/feed").status_code == 301

    @pytest.mark.parametrize("form", ["{s}/api/shows/{p}/feed", "{s}/feeds/{t}.xml"])
    def test_does_not_lead_in_a_circle(self, owner_client, show, path, form):
        own = form.format(s="https://podcasts.example", p=show.pk, t=show.feed_token)

        answer = owner_client.patch(path, {"new_feed_url": own}, format="json")

        assert answer.status_code == 400
        assert answer.json()["field"] == "new_feed_url"

    @pytest.mark.parametrize("address", ["nonsense", "ftp://example.com/x", 5, ["x"]])
    def test_takes_web_addresses_only(self, owner_client, path, address):
        answer = owner_client.patch(path, {"new_feed_url": address}, format="json")

        assert answer.status_code == 400
        assert answer.json()["field"] == "new_feed_url"

    def test_needs_an_address_in_the_database_too(self, show):
        with pytest.raises(IntegrityError, match="show_new_feed_url_not_empty"):
            Show.objects.filter(pk=show.pk).update(new_feed_url="")


class TestDeletion:
    def test_leaves_word_for_a_day(self, owner, show, now):
        delete_show(account=owner, show_id=show.pk, now=now)

        assert list(DeletedShow.objects.values_list("show_id", flat=True)) == [show.pk]
        assert forget_deleted_shows(before=now) == 0
        assert forget_deleted_shows(before=now + timedelta(seconds=1)) == 1

    def test_is_forgotten_by_the_sweep(self, owner, show, now):
        delete_show(account=owner, show_id=show.pk, now=now)

        sweep_task()

        assert not DeletedShow.objects.exists()
