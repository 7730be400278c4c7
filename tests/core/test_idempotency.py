from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connections

from core import idempotency
from core.idempotency import Claim, claim_request, finish_request, sweep_requests
from core.models import IdempotentRequest
from core.tasks import sweep_requests_task
from episodes.models import AudioAsset, Episode
from keys.models import ApiKey
from shows.models import Show
from tests.factories import sounds

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
AUDIO = "https://cdn.example.com/episode-001.mp3"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as travel:
        yield travel


@pytest.fixture
def post(owner_client):
    def send(path="/api/shows", body=None, *, key="k-1", client=owner_client, kind="json"):
        body = {"title": "A show"} if body is None else body
        return client.post(path, body, format=kind, headers={"Idempotency-Key": key})

    return send


@pytest.fixture
def running(owner):
    """The first request is on its way."""
    claim = Claim(
        str(owner.pk),
        "k-1",
        idempotency.fingerprint(method="POST", path="/api/shows", data={"title": "A show"}),
    )
    assert claim_request(claim, now=NOON) is None
    return claim


class TestRepeatedRequest:
    def test_gets_the_first_answer_and_does_nothing(self, post):
        first, second = post(), post()

        assert (first.status_code, second.status_code) == (201, 201)
        assert second.json() == first.json()
        assert Show.objects.count() == 1
        assert "Idempotency-Replayed" not in first
        assert second["Idempotency-Replayed"] == "true"

    def test_may_be_spaced_and_ordered_differently(self, owner_client):
        for body in ('{"title": "A", "author": "B"}', '{"author":"B",  "title":"A"}'):
            answer = owner_client.post(
                "/api/shows",
                body,
                content_type="application/json",
                headers={"Idempotency-Key": "k"},
            )
            assert answer.status_code == 201

        assert Show.objects.count() == 1

    def test_may_be_a_form_with_a_file(self, post, show):
        path = f"/api/shows/{show.pk}/episodes"
        answers = [
            post(
                path, {"title": "x", "audio": SimpleUploadedFile("a.mp3", SOUND)}, kind="multipart"
            )
            for _ in range(2)
        ]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert (Episode.objects.count(), AudioAsset.objects.count()) == (1, 1)

    def test_works_for_narrations_too(self, post):
        body = {"source_type": "text", "title": "Hello", "text": "Words to read aloud. " * 20}

        first, second = (post("/api/v1/episodes", body) for _ in range(2))

        assert first.status_code == 201
        assert second.json() == first.json()
        assert Episode.objects.count() == 1

    def test_gets_a_refusal_again_as_well(self, post):
        first, second = post(body={"title": ""}), post(body={"title": ""})

        assert (first.status_code, second.status_code) == (400, 400)
        assert second.json() == first.json()
        assert second["Idempotency-Replayed"] == "true"

    @pytest.mark.parametrize(
        "other",
        [
            {"body": {"title": "Another"}},
            {"path": "/api/v1/shows"},
            {"path": "/api/shows?x=1"},
        ],
    )
    def test_has_to_be_the_same(self, post, other):
        post()

        answer = post(**other)

        assert answer.status_code == 422
        assert answer.json()["code"] == "idempotency_key_reused"
        assert Show.objects.count() == 1

    def test_with_another_file_is_another_request(self, post):
        for content, status in ((SOUND, 201), (sounds.wav(), 422)):
            body = {"audio": SimpleUploadedFile("a.mp3", content)}
            assert post("/api/upload", body, kind="multipart").status_code == status

    def test_of_another_account_or_key_is_another_request(self, post, stranger_client):
        answers = [post(), post(client=stranger_client), post(key="k-2")]

        assert [answer.status_code for answer in answers] == [201, 201, 201]
        assert Show.objects.count() == 3

    def test_is_carried_out_anew_after_a_day(self, post, clock):
        post()
        clock.move_to(NOON + timedelta(hours=24))

        assert "Idempotency-Replayed" not in post()
        assert Show.objects.count() == 2

    def test_is_carried_out_anew_when_the_first_asked_for_it(self, post, show):
        body = {"show_id": show.pk, "title": "x", "audio_url": AUDIO}
        for number in range(10):
            assert post("/api/episodes/publish", body, key=f"n-{number}").status_code == 201
        assert post("/api/episodes/publish", body).status_code == 429

        Episode.objects.all().delete()
        again = post("/api/episodes/publish", body)

        assert "Idempotency-Replayed" not in again
        assert not IdempotentRequest.objects.filter(key="k-1", status=429).exists()

    def test_is_carried_out_anew_after_a_bug_of_ours(self, post, monkeypatch):
        with monkeypatch.context() as broken:
            broken.setattr("shows.api.create_show", None)
            assert post().status_code == 500

        assert post().status_code == 201


class TestRunningRequest:
    def test_makes_its_repetitions_wait(self, post, running):
        answer = post()

        assert answer.status_code == 409
        assert answer["Retry-After"] == "2"
        assert answer.json()["code"] == "request_still_running"
        assert not Show.objects.exists()

    def test_has_no_twin_with_another_body(self, post, running):
        assert post(body={"title": "Another"}).status_code == 422

    def test_that_was_killed_is_replaced_in_time(self, post, running, clock):
        clock.move_to(NOON + idempotency.LEASE)

        assert post().status_code == 201

    def test_is_alone_among_many_at_once(self, owner):
        claim = Claim(str(owner.pk), "k", "0" * 64)

        def attempt(_):
            try:
                return claim_request(claim, now=NOON)
            except idempotency.RequestStillRunning:
                return "running"
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(attempt, range(8)))

        assert sorted(outcomes, key=str) == [None, *["running"] * 7]


class TestSecret:
    def test_is_neither_kept_nor_made_twice(self, post):
        first, second = (post("/api/keys", {"name": "more"}) for _ in range(2))

        assert first.status_code == 201
        assert second.status_code == 409
        assert second.json()["code"] == "answer_not_kept"
        assert ApiKey.objects.filter(name="more").count() == 1
        assert IdempotentRequest.objects.get().body is None

    def test_of_a_webhook_is_not_kept_either(self, post):
        body = {"url": "https://93.184.215.14/hook", "events": ["episode.published"]}

        first, second = (post("/api/v1/webhooks", body) for _ in range(2))

        assert first.status_code == 201
        assert second.status_code == 409
        assert IdempotentRequest.objects.get().body is None

    def test_of_a_first_key_has_no_caller_to_keep_it_for(self, post, anonymous_client):
        answers = [post("/api/keys", {}, client=anonymous_client) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert not IdempotentRequest.objects.exists()


class TestKey:
    @pytest.mark.parametrize("key", ["", " ", "x" * 256, "é", "a\x00b", "a\tb"])
    def test_is_refused_when_it_cannot_be_one(self, post, key):
        answer = post(key=key)

        assert answer.status_code == 400
        assert answer.json()["code"] == "idempotency_key_invalid"
        assert not Show.objects.exists()

    def test_is_only_for_posts(self, owner_client):
        for _ in range(2):
            answer = owner_client.get("/api/shows", headers={"Idempotency-Key": ""})
            assert answer.status_code == 200

    def test_of_a_refused_caller_is_not_used_up(self, post, owner_client, client_for):
        made = owner_client.post("/api/keys", {"scopes": ["shows:read"]}, format="json")
        reader = client_for(made.json()["api_key"]["key"])

        assert post(client=reader).status_code == 403
        assert post().status_code == 201

    def test_of_a_body_that_cannot_be_read_is_not_used_up(self, post, owner_client):
        broken = owner_client.post(
            "/api/shows",
            "{",
            content_type="application/json",
            headers={"Idempotency-Key": "k-1"},
        )

        assert broken.status_code == 400
        assert post().status_code == 201


class TestRows:
    def test_are_deleted_after_a_day(self, post, clock):
        post()
        assert sweep_requests(now=NOON + timedelta(hours=23)) == 0
        clock.move_to(NOON + timedelta(hours=24))

        sweep_requests_task()
        sweep_requests_task()

        assert not IdempotentRequest.objects.exists()

    def test_are_finished_once(self, running):
        finish_request(running, status=201, body="{}")
        finish_request(running, status=500, body="late")

        assert IdempotentRequest.objects.get().status == 201

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"key": ""}, "idempotentrequest_has_key"),
            ({"body": "{}"}, "idempotentrequest_answer_has_status"),
        ],
    )
    @pytest.mark.django_db
    def test_are_refused_by_the_database_when_they_make_no_sense(self, fields, name):
        row = {"caller": "1", "key": "k", "fingerprint": "0" * 64, "created_at": NOON, **fields}

        with pytest.raises(IntegrityError, match=name):
            IdempotentRequest.objects.create(**row)


SOUND = sounds.mp3()
