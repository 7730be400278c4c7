"""Walks over every call of the document: a new one that forgets a rule fails here."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keys.scopes import SCOPES
from keys.services import issue_key
from tests.contracts.calls import DOCUMENTED, every_call, stored_rows

CALLS = list(every_call())
WITH_KEY = [call for call in CALLS if call.operation.access == "key"]
OWNED = [call for call in CALLS if call.is_owned]
#: More than any row has, and a UUID that none has.
ABSENT = {"delivery_id": "00000000-0000-4000-8000-000000000000"}


@pytest.fixture(autouse=True)
def _resolver_knows_nothing(monkeypatch):
    def unknown(host, *_arguments, **_options):
        raise OSError(host)

    monkeypatch.setattr("socket.getaddrinfo", unknown)


@pytest.fixture
def absent(known):
    return {name: ABSENT.get(name, 987_654_321) for name in known}


def assert_refused(answer, status, call):
    assert answer.status_code == status, (str(call), answer.content)
    assert answer["Content-Type"] == "application/json", str(call)
    assert answer["X-Request-Id"], str(call)
    told = answer.json()
    assert told["success"] is False, str(call)
    assert told["error"], str(call)
    return told


def test_there_are_calls_to_walk_over():
    assert len(CALLS) > 30
    assert len(OWNED) > 20


def test_another_accounts_object_is_as_absent_as_none(known, absent, stranger_client):
    before = stored_rows()

    for call in OWNED:
        refused = assert_refused(call.send(stranger_client, known), 404, call)
        nothing = assert_refused(call.send(stranger_client, absent), 404, call)

        assert refused == nothing, str(call)
    assert stored_rows() == before


def test_nobody_gets_in_without_a_key(known, anonymous_client, client_for):
    before = stored_rows()

    for call in WITH_KEY:
        for client in (anonymous_client, client_for("pc_live_unknown")):
            answer = call.send(client, known)
            assert_refused(answer, 401, call)
            assert answer["WWW-Authenticate"] == "Bearer"
    assert stored_rows() == before


def test_every_scope_but_the_right_one_opens_nothing(known, owner, now, client_for):
    clients = {
        scope: client_for(
            issue_key(
                account=owner,
                name="",
                scopes=[one for one in SCOPES if one != scope],
                actor="a test",
                now=now,
            ).secret
        )
        for scope in (None, *SCOPES)
    }
    before = stored_rows()

    for call in WITH_KEY:
        told = assert_refused(call.send(clients[call.scope], known), 403, call)
        if call.scope:
            assert told["error"].startswith(f'Insufficient scope. Required: "{call.scope}"')
    assert stored_rows() == before


def test_a_key_with_scopes_never_makes_one(known, owner, now, client_for):
    scoped = issue_key(account=owner, name="", scopes=list(SCOPES), actor="a test", now=now)
    client = client_for(scoped.secret)
    before = stored_rows()

    for body in ({}, {"scopes": None}, {"scopes": ["shows:read"]}):
        assert client.post("/api/keys", body, format="json").status_code == 403
    assert client.post(f"/api/keys/{scoped.key.pk}/rotate").status_code == 403
    assert stored_rows() == before


def test_methods_that_are_not_named_are_refused(known, owner_client):
    before = stored_rows()

    for route in DOCUMENTED:
        path = route.path.format_map(known)
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"} - route.methods:
            answer = owner_client.generic(method, path, "{}", "application/json")
            assert_refused(answer, 405, route.path)
            assert route.methods <= set(answer["Allow"].split(", ")), route.path
    assert stored_rows() == before


def test_no_page_of_another_origin_may_call_with_a_key(known, owner_client):
    for call in WITH_KEY:
        answer = owner_client.options(call.path(known), headers={"origin": "https://evil.example"})

        assert_refused(answer, 405, call)
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_addresses_with_a_slash_behind_are_none(known, owner_client):
    before = stored_rows()

    for call in CALLS:
        path = call.path(known).partition("?")[0] + "/"
        answer = owner_client.generic(call.method, path, "{}", "application/json")
        assert_refused(answer, 404, call)
    assert stored_rows() == before


def test_heads_answer_as_gets_do(known, owner_client, time_machine):
    time_machine.move_to(datetime.now(UTC), tick=False)  # some answers tell of what time they are
    for call in CALLS:
        if call.method == "GET":
            get, head = (getattr(owner_client, name)(call.path(known)) for name in ("get", "head"))
            assert head.status_code == get.status_code, str(call)
            assert head.content == b"", str(call)
            assert head.get("ETag") == get.get("ETag"), str(call)
