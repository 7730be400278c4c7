"""The PodRead Episodes page: each of its fenced examples sent or answered, each row of its errors."""

from __future__ import annotations

import json
import re

import pytest
from django.db import transaction
from django.utils import timezone

from billing.models import Subscription
from billing.services import episode_usage
from core.ids import episode_public_id
from episodes.models import Episode
from episodes.services import ProducedEpisode, StoredAudio, attach_production
from narration.models import Narration

EPISODES = "/api/v1/episodes"
CREATE_FROM_URL = (
    '{"source_type":"url","url":"https://www.worksinprogress.news/p/'
    'the-secret-behind-japans-railways"}'
)
CREATE_FROM_TEXT = '{"source_type":"text","title":"Weekly notes","author":"Jesse","text":"…"}'
CREATED = {"id": "ep_aB3xK9mQ2pL7"}
EPISODE = {
    "id": "ep_aB3xK9mQ2pL7",
    "title": "The article title",
    "author": "Jane Doe",
    "description": "…",
    "status": "complete",
    "source_type": "url",
    "source_url": "https://www.worksinprogress.news/p/the-secret-behind-japans-railways",
    "audio_url": "https://storage.googleapis.com/podread-audio/…/ep_aB3xK9mQ2pL7.mp3",
    "duration_seconds": 612,
    "error_message": None,
    "created_at": "2026-04-19T14:22:09Z",
}
LIST = {"episodes": [EPISODE], "meta": {"page": 1, "limit": 25, "total": 142}}
DELETED = {"deleted": True}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
WORDS = "Trains have run on this line for a hundred and fifty years, never late. " * 2


def send(client, body, **options):
    return client.post(EPISODES, body, content_type="application/json", **options)


@pytest.fixture
def narrated(owner_client):
    """The id of the page's own example, complete."""
    public_id = send(owner_client, CREATE_FROM_URL).json()["id"]
    episode = Episode.objects.get(public_id=public_id)
    audio = StoredAudio(
        storage_key="audio/x.mp3",
        filename="x.mp3",
        bytes=1_000,
        sha256="0" * 64,
        mime_type="audio/mpeg",
        duration_seconds=612.2,
        header_bytes=10,
    )
    with transaction.atomic():
        attach_production(
            episode_id=episode.pk,
            produced=ProducedEpisode(audio=audio, documents=[]),
            publish=True,
            now=timezone.now(),
        )
    return public_id


def assert_like_the_example(shown):
    assert list(shown) == list(EPISODE)
    assert {name: type(value) for name, value in shown.items()} == {
        name: type(value) for name, value in EPISODE.items()
    }
    assert re.fullmatch(r"ep_[A-Za-z0-9]{12,}", shown["id"])
    assert MOMENT.fullmatch(shown["created_at"])
    assert shown["audio_url"].endswith(".mp3")
    for name in ("status", "source_type", "source_url", "duration_seconds"):
        assert shown[name] == EPISODE[name]


class TestExamples:
    @pytest.mark.parametrize("body", [CREATE_FROM_URL, CREATE_FROM_TEXT.replace("…", WORDS)])
    def test_create(self, owner_client, body):
        answer = send(owner_client, body)

        assert answer.status_code == 201
        assert list(answer.json()) == list(CREATED)
        assert answer.json()["id"].startswith("ep_")

    def test_fetch(self, owner_client, narrated):
        answer = owner_client.get(f"{EPISODES}/{narrated}")

        assert answer.status_code == 200
        assert list(answer.json()) == ["episode"]
        assert_like_the_example(answer.json()["episode"])

    def test_list(self, owner_client, narrated):
        answer = owner_client.get(f"{EPISODES}?page=1&limit=25")

        assert answer.status_code == 200
        assert list(answer.json()) == list(LIST)
        (shown,) = answer.json()["episodes"]
        assert_like_the_example(shown)
        assert answer.json()["meta"] == {**LIST["meta"], "total": 1}

    def test_delete(self, owner_client, narrated):
        answer = owner_client.delete(f"{EPISODES}/{narrated}")

        assert (answer.status_code, answer.json()) == (200, DELETED)
        assert owner_client.get(EPISODES).json()["meta"]["total"] == 0

    def test_the_text_of_the_page_itself_is_too_short(self, owner_client):
        answer = send(owner_client, CREATE_FROM_TEXT)

        assert answer.status_code == 422
        assert answer.json() == {"error": "Content must be at least 100 characters"}


class TestErrors:
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_401(self, anonymous_client, method):
        answer = getattr(anonymous_client, method)(EPISODES)

        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})

    def test_402(self, owner_client, settings):
        body = json.dumps({"source_type": "text", "text": WORDS})
        for _ in range(10):
            send(owner_client, body)

        answer = send(owner_client, body)

        assert answer.status_code == 402
        assert answer.json() == {
            "error": "Payment required",
            "credits_remaining": 0,
            "subscription_active": False,
            # The page's newer edition has this name for the same fact.
            "paid_user": False,
            "upgrade_url": f"{settings.PUBLIC_URL}/billing",
        }

    @pytest.mark.parametrize("method", ["get", "delete"])
    def test_404_for_an_unknown_id_and_for_somebody_elses(
        self, owner_client, stranger_client, narrated, method
    ):
        for client, public_id in (
            (owner_client, episode_public_id()),
            (stranger_client, narrated),
        ):
            answer = getattr(client, method)(f"{EPISODES}/{public_id}")

            assert (answer.status_code, answer.json()) == (404, {"error": "Episode not found"})

    def test_422(self, owner_client):
        answer = send(owner_client, "{}")

        assert answer.status_code == 422
        assert answer.json() == {
            "error": "source_type is required. Use 'url', 'text', or 'extension'."
        }

    @pytest.mark.parametrize("source_type", ["file", "email"])
    def test_422_for_what_is_read_only(self, owner_client, source_type):
        answer = send(owner_client, json.dumps({"source_type": source_type}))

        assert answer.status_code == 422
        assert "read-only" in answer.json()["error"]

    def test_429(self, owner, owner_client, now):
        episode_usage(owner, now=now)
        Subscription.objects.filter(account=owner).update(plan="agent_pro")
        body = json.dumps({"source_type": "text", "text": WORDS})
        for _ in range(20):
            assert send(owner_client, body).status_code == 201

        answer = send(owner_client, body)

        assert answer.status_code == 429
        assert answer.json() == {"error": "You've reached your hourly episode limit"}
        assert Narration.objects.count() == 20
