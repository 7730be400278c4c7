"""What is behind a voice's `preview_url`."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import mutagen
import pytest
from django.db import connections
from django.test import Client

from production.previewing import PreviewBroke, preview


@pytest.fixture
def preview_url(owner_client, settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    # A program that speaks may start slowly here.
    monkeypatch.setattr("production.voice_samples._WAIT_SECONDS", 200.0)
    monkeypatch.setattr("production.previewing.TIMEOUT_SECONDS", 200.0)
    (voice, *_others) = owner_client.get("/v1/voices").json()["data"]
    return voice["preview_url"].removeprefix(settings.PUBLIC_URL)


def test_can_be_heard_without_a_key(client, preview_url, tmp_path):
    answer = client.get(preview_url)

    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/mpeg")
    heard = mutagen.File(io.BytesIO(answer.content))
    assert heard.info.length > 3
    assert heard.info.sample_rate == 24_000
    assert len(list(tmp_path.rglob("*.mp3"))) == 1


def test_are_spoken_once_however_many_ask(preview_url, tmp_path, monkeypatch):
    spoken = []

    def counted(*arguments, **options):
        spoken.append(arguments)
        return preview(*arguments, **options)

    monkeypatch.setattr("production.voice_samples.preview", counted)

    def ask(_number):
        try:
            return Client().get(preview_url).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as askers:
        assert list(askers.map(ask, range(4))) == [200] * 4
    assert len(spoken) == 1


def test_are_sent_in_parts_and_not_twice(client, preview_url):
    whole = client.get(preview_url)

    part = client.get(preview_url, headers={"range": "bytes=10-19"})
    beyond = client.get(preview_url, headers={"range": f"bytes={len(whole.content)}-"})
    other = client.get(preview_url, headers={"range": "bytes=10-19", "if-range": '"another"'})
    again = client.get(preview_url, headers={"if-none-match": whole["ETag"]})

    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part["Content-Range"] == f"bytes 10-19/{len(whole.content)}"
    assert (beyond.status_code, beyond.content) == (416, b"")
    assert (other.status_code, other.content) == (200, whole.content)
    assert (again.status_code, again.content) == (304, b"")


def test_that_fail_rest_before_they_are_tried_again(client, preview_url, monkeypatch):
    tried = []

    def broken(*arguments, **options):
        tried.append(arguments)
        raise PreviewBroke("The voice could not be used.")

    monkeypatch.setattr("production.voice_samples.preview", broken)
    monkeypatch.setattr("production.voice_samples._rests_until", {})

    answers = [client.get(preview_url) for _ in range(2)]

    assert [answer.json()["error"]["code"] for answer in answers] == ["internal_error"] * 2
    assert len(tried) == 1


def test_of_no_voice_are_404(client):
    answer = client.get("/v1/voices/1/preview.mp3")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
