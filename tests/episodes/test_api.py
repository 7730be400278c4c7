from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import UsageEntry
from core.storage import media_url
from episodes.models import Episode, EpisodeDocument
from episodes.services import create_produced_episode
from episodes.states import ProductionState
from shows.models import Show
from tests.factories.published import publish_external, publish_produced

AUDIO = "https://cdn.example.com/episode-001.mp3"
NOON = "2026-03-14T12:00:00Z"
EARLIER, LATER = "2026-03-01T08:00:00.000Z", "2026-06-01T08:00:00.000Z"


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def publish(owner_client, show):
    def send(**fields):
        body = {"show_id": show.pk, "title": "An episode", "audio_url": AUDIO, **fields}
        return owner_client.post("/api/episodes/publish", body, format="json")

    return send


@pytest.fixture
def change(owner_client):
    def send(episode, **fields):
        return owner_client.patch(f"/api/episodes/{episode.pk}", fields, format="json")

    return send


class TestPublish:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("show_id", None),
            ("show_id", "one"),
            ("show_id", True),
            ("show_id", 1.5),
            ("show_id", -1),
            ("show_id", []),
            ("show_id", 10**30),
            ("title", None),
            ("title", "\x00\x1f"),
            ("title", "x" * 10_000),
            ("title", 1),
            ("audio_url", None),
            ("audio_url", ""),
            ("audio_url", "javascript:alert(1)"),
            ("audio_url", "file:///etc/passwd"),
            ("audio_url", "https://user:pass@example.com/a.mp3"),
            ("audio_url", ["https://example.com/a.mp3"]),
            ("description", "x" * 100_001),
            ("description", 1),
            ("status", "live"),
            ("status", 1),
            ("status", "scheduled\x00ly"),
            ("publish_at", "tomorrow"),
            ("publish_at", 1_774_000_000),
            ("publish_at", "0000-01-01T00:00:00Z"),
            ("publish_at", "0001-01-01T00:00:00+14:00"),
            ("publish_at", "9999-12-31T23:59:59-14:00"),
            ("publish_at", "9999-12-31"),
            ("publish_at", "2026-02-30"),
            ("publish_at", "2026-03-14T25:00:00Z"),
            ("publish_at", "2026-03-14T12:00:00+99:00"),
            ("publish_at", "x" * 100_000),
            ("publish_at", {}),
            ("published_at", "1899-12-31"),
            ("published_at", True),
            ("audio_type", "mp3"),
            ("audio_type", "audio/"),
            ("audio_type", "audio/mpeg\r\nX: y/z"),
            ("audio_type", 5),
            ("audio_length", -1),
            ("audio_length", 2**63),
            ("audio_length", 1.5),
            ("audio_length", True),
            ("audio_length", "many"),
            ("duration_seconds", -1),
            ("duration_seconds", 2**31),
            ("duration_seconds", "1e9"),
            ("duration_seconds", [847]),
            ("season", -1),
            ("season", 2**31),
            ("episode_number", "1.5"),
            ("episode_number", False),
            ("episode_type", "special"),
            ("episode_type", 1),
            ("explicit", "perhaps"),
        ],
    )
    def test_refuses_a_bad_field_by_its_name(self, publish, field, value):
        answer = publish(**{field: value})

        assert answer.status_code == 400, answer.content
        assert answer.json()["field"] == field
        assert not Episode.objects.exists()
        assert not UsageEntry.objects.exists()

    @pytest.mark.parametrize("field", ["duration_seconds", "audio_length"])
    def test_refuses_a_number_beyond_all_numbers(self, owner_client, show, field):
        body = f'{{"show_id":{show.pk},"title":"T","audio_url":"{AUDIO}","{field}":1e999}}'

        answer = owner_client.generic("POST", "/api/episodes/publish", body, "application/json")

        assert answer.status_code == 400
        assert answer.json()["field"] == field

    @pytest.mark.parametrize(
        ("field", "value", "told"),
        [
            ("title", " Über\x00 alles\n ", "Über alles"),
            ("description", "a\r\nb", "a\nb"),
            ("duration_seconds", 847.6, 848),
            ("duration_seconds", "847", 847),
            ("duration_seconds", "", None),
            ("audio_length", "45231890", 45_231_890),
            ("audio_length", 9_000.0, 9_000),
            ("audio_type", "Audio/MP4; codecs=mp4a", "audio/mp4"),
            ("audio_type", None, "audio/mpeg"),
            ("episode_type", "Trailer", "trailer"),
            ("episode_type", None, "full"),
            ("season", None, None),
            ("explicit", "1", True),
            ("explicit", None, False),
            ("status", None, "published"),
            ("published_at", "2026-03-01", "2026-03-01T00:00:00.000Z"),
            ("published_at", "2026-03-01T10:00:00+02:00", EARLIER),
            ("published_at", "2026-03-01t08:00:00z", EARLIER),
            ("published_at", "2026-03-01 08:00", EARLIER),
            ("published_at", None, "2026-03-14T12:00:00.000Z"),
        ],
    )
    def test_stores_the_clean_value(self, publish, field, value, told):
        answer = publish(**{field: value})

        assert answer.status_code == 201, answer.content
        assert answer.json()["episode"][field] == told

    def test_takes_the_show_as_a_numeric_string(self, publish, show):
        assert publish(show_id=str(show.pk)).json()["episode"]["show_id"] == show.pk

    def test_ignores_a_guid(self, publish):
        guid = str(uuid.uuid4())

        assert publish(guid=guid).json()["episode"]["guid"] != guid


class TestWhatStatusAndTimeComeTo:
    """contracts/podclaw.md section 4 and A12, A13."""

    @pytest.mark.parametrize(
        ("given", "status", "publish_at", "published_at"),
        [
            ({}, "published", None, "2026-03-14T12:00:00.000Z"),
            ({"publish_at": LATER}, "scheduled", LATER, None),
            ({"publish_at": EARLIER}, "published", EARLIER, EARLIER),
            ({"status": "scheduled", "publish_at": LATER}, "scheduled", LATER, None),
            ({"status": "scheduled", "publish_at": EARLIER}, "published", EARLIER, EARLIER),
            (
                {"status": "published", "publish_at": LATER},
                "published",
                None,
                "2026-03-14T12:00:00.000Z",
            ),
            ({"status": "draft", "publish_at": LATER}, "draft", LATER, None),
            ({"status": "draft"}, "draft", None, None),
            ({"published_at": LATER}, "published", None, "2026-03-14T12:00:00.000Z"),
        ],
    )
    def test_on_creation(self, publish, given, status, publish_at, published_at):
        told = publish(**given).json()["episode"]

        assert (told["status"], told["publish_at"], told["published_at"]) == (
            status,
            publish_at,
            published_at,
        )

    def test_is_refused_for_a_schedule_without_time(self, publish):
        answer = publish(status="scheduled")

        assert answer.status_code == 400
        assert answer.json()["field"] == "publish_at"

    def test_tells_that_a_draft_was_saved(self, publish):
        assert "draft" in publish(status="draft").json()["message"]

    @pytest.mark.parametrize(
        ("before", "given", "status"),
        [
            ({}, {"publish_at": LATER}, "scheduled"),
            ({}, {"status": "draft"}, "draft"),
            ({}, {"publish_at": None}, "published"),
            ({}, {"published_at": EARLIER}, "published"),
            ({"status": "draft"}, {"publish_at": LATER}, "scheduled"),
            ({"status": "draft"}, {"publish_at": EARLIER}, "published"),
            ({"status": "draft"}, {"published_at": EARLIER}, "draft"),
            ({"status": "draft"}, {"title": "Other"}, "draft"),
            ({"status": "draft", "publish_at": LATER}, {"status": "scheduled"}, "scheduled"),
            ({"publish_at": LATER}, {"status": "published"}, "published"),
            ({"publish_at": LATER}, {"publish_at": EARLIER}, "published"),
            ({"publish_at": LATER}, {"publish_at": None}, "draft"),
            ({"publish_at": LATER}, {"title": "Other"}, "scheduled"),
        ],
    )
    def test_on_a_change(self, publish, change, before, given, status):
        made = Episode.objects.get(pk=publish(**before).json()["id"])

        answer = change(made, **given)

        assert answer.status_code == 200, answer.content
        assert answer.json()["episode"]["status"] == status

    def test_forgets_the_schedule_of_what_was_published_ahead_of_it(self, publish, change):
        made = Episode.objects.get(pk=publish(publish_at=LATER).json()["id"])

        told = change(made, status="published").json()["episode"]

        assert (told["publish_at"], told["published_at"]) == (None, "2026-03-14T12:00:00.000Z")


class TestChange:
    @pytest.mark.parametrize("body", [{}, {"guid": "x"}, {"show_id": 1}, {"status": None}])
    def test_refuses_a_body_that_changes_nothing(self, owner, show, now, change, body):
        answer = change(publish_external(owner, show, now=now), **body)

        assert answer.status_code == 400
        assert answer.json()["code"] == "nothing_to_update"

    @pytest.mark.parametrize(
        ("field", "value"),
        [("title", None), ("title", ""), ("audio_url", None), ("audio_url", "file:///x")],
    )
    def test_refuses_to_take_away_what_an_episode_needs(
        self, owner, show, now, change, field, value
    ):
        answer = change(publish_external(owner, show, now=now), **{field: value})

        assert answer.status_code == 400
        assert answer.json()["field"] == field

    def test_leaves_the_rest_as_it_was(self, owner_client, owner, show, now, change):
        made = publish_external(owner, show, now=now - timedelta(days=1), duration_seconds=5)
        before = owner_client.get(f"/api/episodes/{made.pk}").json()["episode"]

        after = change(made, audio_url="https://other.example/a.mp3").json()["episode"]

        expected = {
            "audio_url": "https://other.example/a.mp3",
            "updated_at": "2026-03-14T12:00:00.000Z",
        }
        assert after == {**before, **expected}

    def test_uses_the_quota_when_a_draft_is_published_and_never_twice(
        self, owner, show, now, change
    ):
        drafts = [publish_external(owner, show, now=now, status="draft") for _ in range(11)]
        codes = [change(draft, status="published").status_code for draft in drafts]
        again = [change(drafts[0], status=s).status_code for s in ("draft", "published")]

        assert codes == [200] * 10 + [429]
        assert again == [200, 200]
        assert UsageEntry.objects.count() == 10


class TestAudioOfOurOwn:
    def test_is_told_by_its_measures(self, owner_client, owner, show, now):
        made = publish_produced(owner, show, now=now)

        told = owner_client.get(f"/api/episodes/{made.pk}").json()["episode"]

        assert told["audio_url"] == media_url(made.asset.storage_key)
        assert told["audio_length"] == made.asset.bytes
        assert told["audio_type"] == made.asset.mime_type

    def test_stays_when_the_client_sends_its_address_back(self, owner, show, now, change):
        made = publish_produced(owner, show, now=now)

        answer = change(made, audio_url=media_url(made.asset.storage_key), title="Renamed")

        assert answer.status_code == 200
        made.refresh_from_db()
        assert made.asset is not None
        assert made.audio_url is None

    def test_goes_with_its_documents_when_other_audio_replaces_it(self, owner, show, now, change):
        made = publish_produced(owner, show, now=now)
        assert EpisodeDocument.objects.filter(episode=made).exists()

        told = change(made, audio_url=AUDIO, duration_seconds=9).json()["episode"]

        assert (told["audio_url"], told["audio_length"], told["duration_seconds"]) == (
            AUDIO,
            None,
            9,
        )
        assert not EpisodeDocument.objects.filter(episode=made).exists()

    def test_cannot_be_replaced_while_it_is_being_made(self, owner, show, now, change):
        made = _being_made(owner, show, now)

        answer = change(made, audio_url=AUDIO)

        assert answer.status_code == 409
        assert answer.json()["code"] == "audio_in_production"

    def test_is_needed_to_publish(self, owner, show, now, change):
        answer = change(_being_made(owner, show, now), status="published")

        assert answer.status_code == 400
        assert answer.json()["code"] == "audio_missing"

    def test_that_failed_can_be_replaced_and_published(self, owner, show, now, change):
        made = _being_made(owner, show, now)
        Episode.objects.filter(pk=made.pk).update(production_state=ProductionState.FAILED)

        answer = change(made, audio_url=AUDIO, status="published")

        assert answer.json()["episode"]["status"] == "published"


def _being_made(owner, show, now):
    with transaction.atomic():
        return create_produced_episode(
            account=owner, show=show, title="T", author="", description="", now=now
        )


class TestAddresses:
    def test_of_a_public_show_is_the_episodes_page(self, owner, show, now, owner_client, client):
        made = publish_external(owner, show, now=now)
        url = owner_client.get(f"/api/episodes/{made.pk}").json()["episode"]["url"]

        assert url == f"https://podcasts.example/shows/{show.slug}/{made.public_id}"
        assert client.get(url.removeprefix("https://podcasts.example")).status_code == 200

    def test_of_a_private_show_cannot_be_counted_through(self, owner, show, now, owner_client):
        Show.objects.filter(pk=show.pk).update(visibility="private")
        made = publish_external(owner, show, now=now)

        url = owner_client.get(f"/api/episodes/{made.pk}").json()["episode"]["url"]

        assert url == f"https://podcasts.example/api/track/{made.public_id}.mp3"
        assert owner_client.get(url.removeprefix("https://podcasts.example")).status_code == 302


@pytest.mark.parametrize("form", ["/api/shows/{}/episodes?", "/api/episodes?show_id={}&"])
class TestList:
    @pytest.fixture
    def listed(self, owner_client, show, form):
        return lambda query="": owner_client.get(form.format(show.pk) + query)

    def test_is_a_page_newest_first(self, owner, show, now, listed):
        made = [
            publish_external(owner, show, now=now + timedelta(minutes=n), status="draft").pk
            for n in range(5)
        ]

        body = listed("limit=2&offset=1").json()

        assert [episode["id"] for episode in body["episodes"]] == [made[3], made[2]]
        assert {name: body[name] for name in ("count", "total", "limit", "offset")} == {
            "count": 2,
            "total": 5,
            "limit": 2,
            "offset": 1,
        }

    def test_filters_by_status(self, owner, show, now, listed):
        draft = publish_external(owner, show, now=now, status="draft").pk
        published = publish_external(owner, show, now=now).pk
        later = now + timedelta(days=1)
        scheduled = publish_external(owner, show, now=now, publish_at=later).pk

        found = {
            status: [e["id"] for e in listed(f"status={status}").json()["episodes"]]
            for status in ("draft", "published", "scheduled")
        }

        assert found == {"draft": [draft], "published": [published], "scheduled": [scheduled]}

    @pytest.mark.parametrize(
        ("query", "limit", "offset"),
        [
            ("", 50, 0),
            ("limit=1000", 100, 0),
            ("limit=" + "9" * 40, 100, 0),
            ("offset=" + "9" * 40, 50, 10**12),
            ("limit=0", 0, 0),
            ("limit=&offset=&status=", 50, 0),
        ],
    )
    def test_clamps(self, listed, query, limit, offset):
        body = listed(query).json()

        assert (body["limit"], body["offset"]) == (limit, offset)

    @pytest.mark.parametrize(
        "query",
        ["limit=-1", "limit=ten", "limit=1.5", "offset=-1", "offset=\u0661", "status=live"],
    )
    def test_refuses_bad_queries(self, listed, query):
        answer = listed(query)

        assert answer.status_code == 400
        assert answer.json()["field"] in {"limit", "offset", "status"}

    def test_takes_as_many_queries_for_four_as_for_one(self, owner, show, now, listed):
        publish_produced(owner, show, now=now)
        listed()
        with CaptureQueriesContext(connection) as one:
            listed()
        for _ in range(3):
            publish_produced(owner, show, now=now)

        with CaptureQueriesContext(connection) as four:
            body = listed().json()

        assert body["count"] == 4
        assert len(four) == len(one) <= 5


@pytest.mark.parametrize("query", ["", "?show_id=", "?show_id=abc", "?show_id=-1"])
def test_the_flat_list_needs_a_show(owner_client, query):
    answer = owner_client.get(f"/api/episodes{query}")

    assert answer.status_code == 400
    assert answer.json()["field"] == "show_id"


def test_the_flat_list_knows_no_show_beyond_all_ids(owner_client):
    assert owner_client.get("/api/episodes?show_id=" + "9" * 50).status_code == 404
