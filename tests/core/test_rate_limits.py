"""The limit of requests: told in every answer to a key, kept exactly, and open when it cannot count."""

from __future__ import annotations

import pytest
import time_machine


@pytest.fixture(autouse=True)
def _three_per_minute_in_an_empty_folder(settings, tmp_path):
    settings.REQUESTS_PER_MINUTE = 3
    settings.DATA_DIR = tmp_path


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel("2026-03-14T12:00:20Z", tick=False) as traveller:
        yield traveller


def told(answer):
    return tuple(answer[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset"))


class TestTheLimitOfAnAccount:
    def test_is_told_with_every_answer(self, owner_client):
        answers = [
            owner_client.get("/api/shows"),
            owner_client.post("/api/shows", {}, format="json"),
            owner_client.get("/api/shows/999"),
        ]

        assert [answer.status_code for answer in answers] == [200, 400, 404]
        assert [told(answer) for answer in answers] == [
            ("3", "2", "41"),
            ("3", "1", "41"),
            ("3", "0", "41"),
        ]

    @pytest.mark.parametrize(
        ("path", "sentence"),
        [
            ("/api/shows", "3 a minute"),
            # PodRead has one sentence for all its limits.
            ("/api/v1/voices", "Rate limit exceeded"),
        ],
    )
    def test_refuses_one_more_and_says_when_to_come_back(self, owner_client, path, sentence):
        for _ in range(3):
            owner_client.get(path)

        answer = owner_client.get(path)

        assert answer.status_code == 429
        assert told(answer) == ("3", "0", "41")
        assert answer["Retry-After"] == "41"
        assert sentence in answer.json()["error"]

    def test_is_new_in_the_next_minute(self, owner_client, clock):
        for _ in range(4):
            owner_client.get("/api/shows")
        clock.shift(41)

        assert owner_client.get("/api/shows").status_code == 200

    def test_holds_for_all_its_keys_together(self, owner_client, client_for):
        other = client_for(owner_client.post("/api/keys").json()["api_key"]["key"])

        assert told(other.get("/api/shows")) == ("3", "1", "41")

    def test_is_no_concern_of_other_accounts(self, owner_client, stranger_client):
        for _ in range(4):
            owner_client.get("/api/shows")

        assert told(stranger_client.get("/api/shows")) == ("3", "2", "41")

    def test_is_not_told_to_nobody(self, anonymous_client):
        assert "RateLimit-Limit" not in anonymous_client.get("/api/shows")

    def test_of_zero_is_none(self, owner_client, settings):
        settings.REQUESTS_PER_MINUTE = 0

        answers = [owner_client.get("/api/shows") for _ in range(5)]

        assert {answer.status_code for answer in answers} == {200}
        assert "RateLimit-Limit" not in answers[0]

    def test_lets_everything_through_while_it_cannot_be_counted(self, owner_client, tmp_path):
        (tmp_path / "requests").write_text("a file where the folder has to be")

        answers = [owner_client.get("/api/shows") for _ in range(5)]

        assert {answer.status_code for answer in answers} == {200}
