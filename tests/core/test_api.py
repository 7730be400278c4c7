"""Conditional reads over the API."""

from __future__ import annotations

import pytest

from episodes.services import EpisodeDraft, create_episode

# About bytes on their way.
pytestmark = pytest.mark.once


@pytest.fixture
def episode(owner, show, now):
    draft = EpisodeDraft(title="One", audio_url="https://cdn.example.com/a.mp3")
    return create_episode(account=owner, show_id=show.pk, draft=draft, now=now)


@pytest.fixture(
    params=[
        "/api/keys",
        "/api/shows",
        "/api/shows/{show}",
        "/api/shows/{show}/episodes",
        "/api/episodes?show_id={show}",
        "/api/episodes/{episode}",
        "/api/v1/webhooks",
        "/api/v1/voices",
    ]
)
def path(request, show, episode):
    return request.param.format(show=show.pk, episode=episode.pk)


class TestReads:
    def test_have_an_entity_tag_and_are_kept_by_their_client_only(self, owner_client, path):
        answer = owner_client.get(path)

        assert answer["ETag"].startswith('"')
        assert answer["Cache-Control"] == "private, no-cache"
        assert "Authorization" in answer["Vary"]

    @pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
    def test_are_left_out_for_a_client_that_has_them(self, owner_client, path, form):
        whole = owner_client.get(path)

        answer = owner_client.get(path, headers={"if-none-match": form.format(whole["ETag"])})

        assert (answer.status_code, answer.content) == (304, b"")
        assert answer["ETag"] == whole["ETag"]
        assert answer["Content-Length"] == str(len(whole.content))
        assert "Content-Type" not in answer
        assert answer["X-Request-Id"]
        assert answer["RateLimit-Limit"]

    def test_are_sent_whole_to_a_client_that_has_others(self, owner_client, path):
        answer = owner_client.get(path, headers={"if-none-match": '"other"'})

        assert answer.status_code == 200
        assert answer.json()

    def test_of_heads_have_the_tag_too(self, owner_client, path):
        assert owner_client.head(path)["ETag"] == owner_client.get(path)["ETag"]


def test_a_change_changes_the_tag(owner_client, show):
    path = f"/api/shows/{show.pk}"
    before = owner_client.get(path)["ETag"]
    owner_client.patch(path, {"title": "New"}, format="json")

    answer = owner_client.get(path, headers={"if-none-match": before})

    assert answer.status_code == 200
    assert answer["ETag"] != before


def test_refusals_have_no_tag(owner_client):
    assert "ETag" not in owner_client.get("/api/shows/999")
