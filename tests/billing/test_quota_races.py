"""Fifty requests at once when nine of ten episodes are used: one gets through, on every path."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.utils import timezone

from billing.services import episode_usage, use_episode
from shows.models import Show
from tests.factories.published import publish_external
from tests.factories.sounds import mp3

AUDIO = "https://storage.example.com/ep-001.mp3"
TEXT = "A text that is long enough to be read aloud by somebody, or by something. " * 3
REQUESTS = 50


class Path:
    """How one of the paths is called, and how it refuses."""

    status = 429

    def __init__(self, client, show_id):
        self.client, self.show_id = client, show_id

    def prepare(self):
        """What has to exist before the race."""

    def call(self, number):
        raise NotImplementedError

    def assert_refusal(self, answer):
        assert answer["success"] is False
        assert answer["usage"] == {
            "episodes_used": 10,
            "episodes_limit": 10,
            "plan": "sandbox",
        }


class Flat(Path):
    def call(self, number):
        body = {"show_id": self.show_id, "audio_url": AUDIO, "title": f"Episode {number}"}
        return self.client.post("/api/episodes/publish", body, format="json")


class Nested(Path):
    def call(self, number):
        body = {"audio_url": AUDIO, "title": f"Episode {number}"}
        return self.client.post(f"/api/shows/{self.show_id}/episodes", body, format="json")


class Schedule(Path):
    def call(self, number):
        later = timezone.now() + timedelta(days=1)
        body = {"audio_url": AUDIO, "title": f"Episode {number}", "publish_at": later.isoformat()}
        return self.client.post(f"/api/shows/{self.show_id}/episodes", body, format="json")


class Multipart(Path):
    def prepare(self):
        self.sound = mp3()

    def call(self, number):
        # Bytes of its own for each: equal ones are stored once.
        sound = SimpleUploadedFile("a.mp3", self.sound + b"%d" % number, "audio/mpeg")
        body = {"audio": sound, "title": f"Episode {number}"}
        return self.client.post(f"/api/shows/{self.show_id}/episodes", body, format="multipart")


class Patch(Path):
    changes: dict[str, object] = {"status": "published"}

    def prepare(self):
        self.drafts = [
            self.client.post(
                f"/api/shows/{self.show_id}/episodes",
                {"audio_url": AUDIO, "title": f"Draft {number}", "status": "draft"},
                format="json",
            ).json()["id"]
            for number in range(REQUESTS)
        ]

    def call(self, number):
        return self.client.patch(
            f"/api/episodes/{self.drafts[number]}", self.changes, format="json"
        )


class PatchSchedule(Patch):
    changes = {"publish_at": "2099-01-01T00:00:00Z"}


class Narration(Path):
    status = 402

    def call(self, number):
        body = {"source_type": "text", "text": TEXT, "title": f"Narration {number}"}
        return self.client.post("/api/v1/episodes", body, format="json")

    def assert_refusal(self, answer):
        assert answer == {
            "error": "Payment required",
            "credits_remaining": 0,
            "subscription_active": False,
            "paid_user": False,
            "upgrade_url": "https://podcasts.example/billing",
        }


class StudioPublish(Path):
    status = 402

    def prepare(self):
        hosts = [host["id"] for host in self.client.get("/v1/hosts").json()["data"][:1]]
        body = {"title": "Studio", "host_ids": hosts}
        podcast = self.client.post("/v1/podcasts", body, format="json")
        assert podcast.status_code == 201, podcast.content
        show = Show.objects.latest("pk")
        self.drafts = [
            publish_external(show.account, show, now=timezone.now(), status="draft").uuid
            for _ in range(REQUESTS)
        ]

    def call(self, number):
        return self.client.post(f"/v1/episodes/{self.drafts[number]}/publish", {}, format="json")

    def assert_refusal(self, answer):
        assert answer["error"]["code"] == "insufficient_credits"


def use_nine(account, *, now: datetime):
    with transaction.atomic():
        for number in range(9):
            use_episode(account=account, reference=f"used-{number}", now=now)


def all_at_once(path):
    """The answers to REQUESTS calls of which none begins before all are ready."""
    answers, barrier = [], threading.Barrier(REQUESTS)

    def call(number):
        try:
            barrier.wait(timeout=200)
            answers.append(path.call(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(REQUESTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize(
    "kind", [Flat, Nested, Multipart, Patch, Schedule, PatchSchedule, Narration, StudioPublish]
)
def test_one_of_fifty_gets_the_last_episode(owner, owner_client, show, kind):
    path = kind(owner_client, show.pk)
    path.prepare()
    use_nine(owner, now=timezone.now())

    answers = all_at_once(path)

    refused = [answer for answer in answers if answer.status_code == path.status]
    assert len(answers) == REQUESTS
    assert len(refused) == REQUESTS - 1, {answer.status_code for answer in answers}
    for answer in refused:
        path.assert_refusal(answer.json())
    assert episode_usage(owner, now=timezone.now()).used == 10
