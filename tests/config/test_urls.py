"""What is answered when a request ends in an error that no view knows."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django.db import InterfaceError, OperationalError, connection


@contextmanager
def failing_database(error):
    def fail(*_):
        raise error

    with connection.execute_wrapper(fail):
        yield


@pytest.fixture
def unprotected_client(owner_client):
    """An owner's client that gets the answer of a server instead of the exception."""
    owner_client.raise_request_exception = False
    return owner_client


@pytest.mark.parametrize(
    "error", [OperationalError("database or disk is full"), InterfaceError("connection is closed")]
)
class TestWhileTheDatabaseCannotServe:
    @pytest.mark.parametrize("path", ["/api/shows", "/api/episodes/publish", "/api/v1/episodes"])
    def test_a_client_is_asked_to_come_again(self, unprotected_client, path, error):
        with failing_database(error):
            answer = unprotected_client.post(path, {"title": "A show"}, format="json")

        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert "again" in answer.json()["error"]

    def test_the_studio_says_so_in_its_own_words(self, unprotected_client, error):
        with failing_database(error):
            answer = unprotected_client.get("/v1/podcasts")

        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer.json()["error"]["code"] == "internal_error"
        assert answer.json()["error"]["request_id"] == f"req_{answer['X-Request-Id']}"

    def test_a_browser_gets_a_page(self, unprotected_client, error):
        with failing_database(error):
            answer = unprotected_client.get("/")

        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer["Content-Type"].startswith("text/html")


def test_a_bug_stays_an_internal_error(unprotected_client):
    with failing_database(ZeroDivisionError()):
        answer = unprotected_client.get("/api/shows")

    assert answer.status_code == 500
    assert "X-Request-Id" in answer.json()["error"]
    assert "Retry-After" not in answer
