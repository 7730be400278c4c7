"""Log lines: one JSON object each, with the request's id, and without paths or addresses."""

from __future__ import annotations

import io
import json
import logging
import threading

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

SECRET = "a-feed-token"
ADDRESS = "203.0.113.77"


def fail(request: HttpRequest, token: str) -> HttpResponse:
    raise LookupError("deliberate")


def answer(request: HttpRequest, token: str) -> HttpResponse:
    return HttpResponse("fine")


urlpatterns = [path("fail/<token>", fail), path("answer/<token>", answer)]


@pytest.fixture
def client(settings: object) -> Client:
    settings.ROOT_URLCONF = __name__  # type: ignore[attr-defined]
    return Client(raise_request_exception=False, REMOTE_ADDR=ADDRESS)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What this thread writes to the log; those of earlier tests may have something to say too."""
    stream, here = io.StringIO(), threading.get_ident()
    (handler,) = (one for one in logging.getLogger().handlers if one.name == "stderr")
    monkeypatch.setattr(handler, "stream", stream)
    monkeypatch.setattr(handler, "filters", [*handler.filters, lambda line: line.thread == here])
    return stream


def lines(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


class TestRequestLog:
    def test_has_the_id_that_the_client_gave(self, client: Client, written: io.StringIO) -> None:
        response = client.get(f"/answer/{SECRET}", headers={"X-Request-Id": "abc-1"})
        (line,) = lines(written)

        assert response.headers["X-Request-Id"] == "abc-1"
        assert line["event"] == "request_finished"
        assert line["request_id"] == "abc-1"
        assert line["route"] == "answer/<token>"
        assert line["status"] == 200

    @pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\u00e9", '"}', "a/b"])
    def test_has_an_id_of_its_own_instead_of_a_strange_one(
        self, client: Client, written: io.StringIO, given: str
    ) -> None:
        response = client.get(f"/answer/{SECRET}", headers={"X-Request-Id": given})
        (line,) = lines(written)

        assert line["request_id"] == response.headers["X-Request-Id"]
        assert len(str(line["request_id"])) == 32

    def test_of_a_crash_has_the_trace_and_the_id(
        self, client: Client, written: io.StringIO
    ) -> None:
        response = client.get(f"/fail/{SECRET}")
        failed, finished = lines(written)

        assert response.status_code == 500
        assert failed["event"] == "request_failed"
        assert "LookupError: deliberate" in str(failed["exception"])
        assert failed["request_id"] == finished["request_id"] == response.headers["X-Request-Id"]

    @pytest.mark.parametrize("page", ["answer", "fail", "missing"])
    def test_never_has_the_path_or_the_address(
        self, client: Client, written: io.StringIO, page: str
    ) -> None:
        client.get(f"/{page}/{SECRET}")

        assert "request_finished" in written.getvalue()
        assert SECRET not in written.getvalue()
        assert ADDRESS not in written.getvalue()

    @pytest.mark.parametrize(
        ("headers", "reason"),
        [
            ({}, "CSRF cookie not set"),
            ({"Origin": f"https://{SECRET}.example"}, "Origin checking failed"),
        ],
    )
    def test_never_has_the_path_of_a_form_that_was_refused(
        self, client: Client, written: io.StringIO, headers: dict[str, str], reason: str
    ) -> None:
        client.handler.enforce_csrf_checks = True
        response = client.post(f"/answer/{SECRET}", headers=headers)
        refused, finished = lines(written)

        assert response.status_code == finished["status"] == 403
        assert refused["event"] == f"csrf_refused: {reason}"
        assert SECRET not in written.getvalue()
