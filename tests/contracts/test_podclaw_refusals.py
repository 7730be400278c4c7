"""What every route of the PodClaw contract refuses, and how: always JSON, always the same body."""

from __future__ import annotations

import json

import pytest
from django.urls import get_resolver

from episodes.services import EpisodeDraft, create_episode
from keys.scopes import SCOPES
from keys.services import issue_key
from shows.services import ShowDraft, create_show

# Tests of each app ask both databases the same; what none may be asked is in test_hostile_input.py.
pytestmark = pytest.mark.once

AUDIO = "https://cdn.example.com/a.mp3"
EPISODE = {"title": "An episode", "audio_url": AUDIO}
#: Method, path, body, scope. `{show}` and `{episode}` are the owner's.
CALLS = [
    ("GET", "/api/shows", None, "shows:read"),
    ("POST", "/api/shows", {"title": "A show"}, "shows:write"),
    ("GET", "/api/shows/{show}", None, "shows:read"),
    ("PATCH", "/api/shows/{show}", {"title": "New"}, "shows:write"),
    ("DELETE", "/api/shows/{show}", None, "shows:write"),
    ("POST", "/api/episodes/publish", {"show_id": "{show}", **EPISODE}, "episodes:write"),
    ("GET", "/api/episodes?show_id={show}", None, "episodes:read"),
    ("GET", "/api/shows/{show}/episodes", None, "episodes:read"),
    ("POST", "/api/shows/{show}/episodes", EPISODE, "episodes:write"),
    ("GET", "/api/episodes/{episode}", None, "episodes:read"),
    ("PATCH", "/api/episodes/{episode}", {"title": "New"}, "episodes:write"),
    ("DELETE", "/api/episodes/{episode}", None, "episodes:write"),
    ("GET", "/api/shows/{show}/episodes/{episode}", None, "episodes:read"),
    ("PATCH", "/api/shows/{show}/episodes/{episode}", {"title": "New"}, "episodes:write"),
    ("DELETE", "/api/shows/{show}/episodes/{episode}", None, "episodes:write"),
]
OWNED = [call for call in CALLS if "{" in json.dumps(call[1:3]).replace('{"', "")]
WRITES = [call for call in CALLS if call[0] in {"POST", "PATCH"}]
PATHS = sorted({call[1].partition("?")[0] for call in CALLS})


@pytest.fixture
def episode(owner, show, now):
    draft = EpisodeDraft(title="What agents shipped", audio_url=AUDIO)
    return create_episode(account=owner, show_id=show.pk, draft=draft, now=now)


@pytest.fixture
def filled(show, episode):
    """Puts the owner's ids into a path or a body."""

    def fill(value):
        if isinstance(value, str):
            return value.replace("{show}", str(show.pk)).replace("{episode}", str(episode.pk))
        return {name: fill(item) for name, item in value.items()} if value else value

    return fill


def send(client, call, filled):
    method, path, body, _scope = call
    return client.generic(
        method, filled(path), json.dumps(filled(body)) if body else "", "application/json"
    )


def assert_refused(answer, status):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    told = answer.json()
    assert told["success"] is False
    assert isinstance(told["error"], str)
    assert told["error"]
    return told


def named(call):
    return f"{call[0]} {call[1]}"


@pytest.mark.parametrize("call", CALLS, ids=named)
class TestEveryCall:
    def test_is_answered_to_the_owner(self, owner_client, call, filled):
        assert send(owner_client, call, filled).status_code in {200, 201, 204}

    def test_refuses_the_anonymous(self, anonymous_client, call, filled):
        answer = send(anonymous_client, call, filled)

        assert_refused(answer, 401)
        assert answer["WWW-Authenticate"] == "Bearer"

    def test_refuses_an_unknown_key(self, client_for, call, filled):
        assert_refused(send(client_for("pc_live_unknown"), call, filled), 401)

    def test_refuses_a_key_with_every_other_scope(self, client_for, owner, now, call, filled):
        others = [scope for scope in SCOPES if scope != call[3]]
        key = issue_key(account=owner, name="", scopes=others, actor="a test", now=now)

        told = assert_refused(send(client_for(key.secret), call, filled), 403)

        assert told["error"].startswith(f'Insufficient scope. Required: "{call[3]}"')

    def test_is_open_to_a_key_with_its_scope(self, client_for, owner, now, call, filled):
        key = issue_key(account=owner, name="", scopes=[call[3]], actor="a test", now=now)

        assert send(client_for(key.secret), call, filled).status_code in {200, 201, 204}


@pytest.mark.parametrize("call", OWNED, ids=named)
class TestEveryCallOnAnObject:
    def test_knows_nothing_of_it_to_a_stranger(self, stranger_client, call, filled):
        refused = assert_refused(send(stranger_client, call, filled), 404)
        nothing = assert_refused(send(stranger_client, call, _with_absent_ids), 404)

        assert refused == nothing


def _with_absent_ids(value):
    text = json.dumps(value)
    return json.loads(text.replace("{show}", "999999").replace("{episode}", "999999"))


@pytest.mark.parametrize("call", WRITES, ids=named)
class TestEveryBody:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'"title"',
            b"7",
            b'{"title": NaN}',
            b"\xff\xfe{}",
            b'{"title": "\\ud800"}',
            b"[" * 100_000,
            b'{"title": {"a": 1}, "audio_url": ["x"]}',
            b'{"title": null, "audio_url": null}',
            b'{"title": "\\u0000\\u0007 \\u001f"}',
            b'{"title": ""}',
        ],
    )
    def test_that_is_no_good_gets_a_clear_refusal(self, owner_client, call, filled, body):
        answer = owner_client.generic(call[0], filled(call[1]), body, "application/json")

        assert_refused(answer, 400)

    def test_over_two_megabytes_is_too_large(self, owner_client, call, filled):
        body = b'{"title": "' + b"x" * 2_000_000 + b'"}'

        answer = owner_client.generic(call[0], filled(call[1]), body, "application/json")

        assert_refused(answer, 413)

    @pytest.mark.parametrize(
        "content_type", ["application/x-www-form-urlencoded", "text/plain", "garbage", "a/b;" * 50]
    )
    def test_of_another_type_gets_a_hint(self, owner_client, call, filled, content_type):
        answer = owner_client.generic(call[0], filled(call[1]), b"title=x", content_type)

        assert "application/json" in assert_refused(answer, 415)["error"]


@pytest.mark.parametrize("path", PATHS)
class TestEveryPath:
    @pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "PROPFIND"])
    def test_refuses_methods_that_the_contract_does_not_name(
        self, owner_client, filled, path, method
    ):
        answer = owner_client.generic(method, filled(path))

        assert_refused(answer, 405)
        assert "OPTIONS" not in answer["Allow"]

    def test_exists_without_a_trailing_slash_only(self, owner_client, filled, path):
        assert_refused(owner_client.get(filled(path) + "/"), 404)

    def test_answers_json_whatever_is_accepted(self, owner_client, filled, path):
        answer = owner_client.get(filled(path), headers={"accept": "text/html;q=0.9, image/*"})

        assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/unknown",
        "/api/shows/abc",
        "/api/shows/-1",
        "/api/shows/0x1",
        "/api/shows/9223372036854775808",
        "/api/shows/99999999999999999999999999",
        "/api/shows/\u0661",
        "/api/shows/1/episodes/99999999999999999999999999",
        "/api/episodes/9223372036854775807",
        "/api/shows/%00",
        "/api/shows/1%0a",
        "/api/v2/shows",
    ],
)
def test_addresses_of_nothing_are_json_404s(owner_client, path):
    assert_refused(owner_client.get(path), 404)


@pytest.mark.slow
def test_no_route_under_api_answers_html_or_500(owner_client, anonymous_client):
    """Walks every registered route with every method, with ids that lead nowhere."""
    walked = 0
    for route in _api_routes(get_resolver().url_patterns):
        path = "/" + _filled_route(route)
        for client in (owner_client, anonymous_client):
            for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
                answer = client.generic(method, path, b"[]", "application/json")
                walked += 1
                assert answer.status_code < 500, (method, path)
                if answer.status_code >= 400 and method != "HEAD":
                    assert answer["Content-Type"].startswith("application/json"), (method, path)

    assert walked > 100


def _api_routes(patterns, prefix=""):
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _api_routes(pattern.url_patterns, route)
        elif route.startswith("api/"):
            yield route


def _filled_route(route):
    parts = route.replace("^", "").replace("$", "").split("/")
    return "/".join("999999" if "<" in part or "(" in part else part for part in parts)


class TestShowOfAnotherEpisode:
    def test_is_404_even_when_both_are_the_owners(self, owner_client, owner, episode, now):
        other = create_show(account=owner, draft=ShowDraft(title="Other"), now=now)
        path = f"/api/shows/{other.pk}/episodes/{episode.pk}"

        for method in ("GET", "DELETE"):
            assert_refused(owner_client.generic(method, path), 404)
        assert_refused(owner_client.patch(path, {"title": "x"}, format="json"), 404)
