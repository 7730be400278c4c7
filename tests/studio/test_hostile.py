"""What strangers and the same owner at the same moment do: much, odd, at once, and the ground taken away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from core.models import StoredFile
from episodes.files import sweep_files
from episodes.models import Episode
from production.models import Production
from production.voices.base import Voice
from production.voices.fake import FakeEngine
from studio import making
from studio.models import Generation
from studio.writers.fake import FakeWriter

OTHER = Voice("other", "Other", "en-US", "American", "male", "fake")
ODD = "Zͨ̈a̡l̴g̷o \u202eright to left\u202c 👩‍👩‍👧‍👦 日本語 עברית ﷽ İstanbul ß ǅ \u200bnothing"


@pytest.fixture
def generate(owner_client, podcast):
    """The address of an episode that is to be generated."""

    def ask(**body):
        path = f"/v1/podcasts/{podcast['id']}/episodes/generate"
        full = {"prompt": "Bridges", "options": {"length_minutes": 1}} | body
        answer = owner_client.post(path, full, format="json")
        assert answer.status_code == 202, answer.content
        return f"/v1/episodes/{answer.json()['data']['id']}"

    return ask


@pytest.fixture
def made(generate, work):
    """The address of an episode with audio."""
    path = generate()
    work()
    return path


def script(client, path, text):
    """The episode's script with another first line."""
    chapters = client.get(f"{path}/script").json()["data"]["chapters"]
    for chapter in chapters:
        for segment in chapter["segments"]:
            del segment["passages"]
    chapters[0]["segments"][0]["text"] = text
    return {"chapters": chapters}


def test_odd_text_in_every_field_comes_back_and_is_spoken(owner_client, podcast, generate, work):
    host = owner_client.patch(
        f"/v1/hosts/{podcast['host_ids'][0]}",
        {"name": ODD[:100], "backstory": ODD, "title": ODD, "personality": ODD},
        format="json",
    )
    assert host.status_code == 200
    text = {"type": "text", "title": ODD, "content": f"# {ODD}\n\n{ODD}. " * 20}
    source = owner_client.post("/v1/sources", text, format="json").json()["data"]

    path = generate(prompt=ODD, title=ODD, source_ids=[source["id"]])
    work()

    shown = owner_client.get(path).json()["data"]
    assert shown["status"] == "draft", shown["error_message"]
    assert "日本語" in shown["title"]
    for form in ("json", "srt", "vtt"):
        assert owner_client.get(f"{path}/timestamps?format={form}").status_code == 200
    assert owner_client.get(f"{path}/script").status_code == 200


@pytest.mark.parametrize("count", [21, 100])
def test_too_many_sources_are_refused_by_name(owner_client, podcast, count):
    body = {"prompt": "Bridges", "source_ids": [str(uuid4()) for _ in range(count)]}

    answer = owner_client.post(
        f"/v1/podcasts/{podcast['id']}/episodes/generate", body, format="json"
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "source_ids"


def test_a_host_that_is_archived_before_its_script_is_written_still_speaks(
    owner_client, podcast, generate, work
):
    path = generate()

    for host_id in podcast["host_ids"]:
        assert owner_client.delete(f"/v1/hosts/{host_id}").status_code == 204
    work()

    assert owner_client.get(path).json()["data"]["status"] == "draft"


def test_a_voice_that_goes_between_script_and_audio_fails_the_episode_until_it_is_back(
    owner_client, generate, work, monkeypatch
):
    path = generate()
    work(productions=False)
    with monkeypatch.context() as gone:
        gone.setattr(FakeEngine, "voices", lambda _self: (OTHER,))
        work()
        failed = owner_client.get(path).json()["data"]
        estimate = owner_client.post(
            f"{path}/script/estimate", script(owner_client, path, "Anew."), format="json"
        )

    assert failed["status"] == "failed"
    assert "voice" in failed["error_message"]
    assert estimate.status_code == 400
    assert owner_client.post(f"{path}/retry").status_code == 202
    work()
    assert owner_client.get(path).json()["data"]["status"] == "draft"


def test_of_two_scripts_put_at_once_one_is_taken(owner_client, client_for, issued, made, work):
    bodies = [script(owner_client, made, f"Line number {word}.") for word in ("one", "two")]

    def put(body):
        try:
            return client_for(issued.secret).put(f"{made}/script", body, format="json").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(put, bodies))
    work()

    assert statuses == [202, 422]
    chapters = owner_client.get(f"{made}/script").json()["data"]["chapters"]
    assert chapters in [
        [
            {**chapter, "segments": [one | {"passages": []} for one in chapter["segments"]]}
            for chapter in body["chapters"]
        ]
        for body in bodies
    ]
    assert owner_client.get(made).json()["data"]["status"] == "draft"


def test_what_is_being_spoken_anew_is_not_published_and_what_is_public_stays(
    owner_client, made, work
):
    body = script(owner_client, made, "Another beginning.")
    owner_client.put(f"{made}/script", body, format="json")
    assert owner_client.post(f"{made}/publish").status_code == 422
    work()
    assert owner_client.post(f"{made}/publish").status_code == 200
    before = owner_client.get(made).json()["data"]

    body = script(owner_client, made, "One more beginning, which is longer than the one before.")
    assert owner_client.put(f"{made}/script", body, format="json").status_code == 202
    during = owner_client.get(made).json()["data"]
    assert owner_client.post(f"{made}/publish").status_code == 422
    work()

    after = owner_client.get(made).json()["data"]
    assert (during["status"], during["audio_url"]) == ("published", before["audio_url"])
    assert after["status"] == "published"
    assert after["duration"] != before["duration"]


@pytest.mark.parametrize("state", ["queued", "script", "voices", "handing over", "producing"])
def test_deleting_while_a_worker_works_leaves_nothing(
    owner_client, generate, work, monkeypatch, state
):
    path = generate()

    def delete_before(holder, name):
        plain = getattr(holder, name)

        def deleting(*arguments, **options):
            assert owner_client.delete(path).status_code == 204
            return plain(*arguments, **options)

        monkeypatch.setattr(holder, name, deleting)

    if state == "script":
        delete_before(FakeWriter, "write")
    elif state == "voices":
        delete_before(making, "measure")
    elif state == "handing over":
        delete_before(making, "find_ungrounded")
    elif state == "producing":
        work(productions=False)
    if state in {"queued", "producing"}:
        assert owner_client.delete(path).status_code == 204
    work()
    sweep_files(now=timezone.now() + timedelta(days=1))

    assert owner_client.get(path).status_code == 404
    assert not Generation.objects.exists()
    assert not Production.objects.exists()
    assert not Episode.objects.exists()
    assert not StoredFile.objects.exists()
