"""Copies of outside audio, from hostile and from honest servers."""

from __future__ import annotations

import gzip
import ipaddress
import os
import signal
import subprocess
import threading
import tracemalloc
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from config.env import BASE_DIR
from core.models import StoredFile
from core.storage import open_stored
from episodes.copies import LEASE, MAX_ATTEMPTS, claim_copy, due_copies, keep_copy
from episodes.copying import copy_audio
from episodes.files import sweep_files
from episodes.models import AudioAsset, AudioCopy, Episode
from episodes.services import delete_episode, update_episode
from tests.factories import sounds
from tests.factories.published import publish_external, publish_produced
from tests.fakes.web_server import WebServer, answer, redirect
from tests.flows.running import PYTHON, environment_of, wait_until
from webhooks.models import Event

MP3 = sounds.mp3()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nConnection: close\r\n"


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media", "base_url": "/media/"},
        }
    }
    settings.DATA_DIR = tmp_path


@pytest.fixture
def server(settings):
    settings.OUTBOUND_ALLOW = [ipaddress.ip_network("127.0.0.1/32")]
    with WebServer() as running:
        running.routes["/show/E%201.mp3"] = answer(MP3, content_type="text/plain")
        yield running


@pytest.fixture
def outside(owner, show, server, now):
    """A published episode whose audio the server has."""
    address = server.url("/show/E%201.mp3")
    return publish_external(owner, show, now=now, audio_url=address, audio_length=7)


@pytest.fixture
def copy(owner, outside, now):
    return keep_copy(account=owner, episode_id=outside.pk, now=now)


@pytest.fixture
def run(copy, now):
    """Makes the copy as a worker would after `later`, and gives its row."""

    def make(later=timedelta()):
        copy_audio(copy_id=copy.pk, clock=lambda: now + later)
        return AudioCopy.objects.get(pk=copy.pk)

    return make


@pytest.fixture
def unchanged(outside, tmp_path):
    """Checks that the episode is as it was and that nothing is left behind."""

    def check():
        episode = Episode.objects.get(pk=outside.pk)
        assert (episode.state, episode.audio_url, episode.asset) == (
            "published",
            outside.audio_url,
            None,
        )
        assert (episode.audio_length, episode.updated_at) == (7, outside.updated_at)
        assert not AudioAsset.objects.exists()
        assert not StoredFile.objects.exists()
        left = [path for name in ("media", "work") for path in (tmp_path / name).rglob("*")]
        assert [path for path in left if path.is_file()] == []
        assert not Event.objects.filter(type="episode.updated").exists()

    return check


class TestAsking:
    @pytest.mark.parametrize("prefix", ["/api", "/api/v1"])
    @pytest.mark.parametrize("nested", [True, False])
    def test_is_answered_with_how_far_it_is(self, owner_client, outside, prefix, nested):
        middle = f"/shows/{outside.show_id}" if nested else ""
        path = f"{prefix}{middle}/episodes/{outside.pk}/keep-copy"

        asked = owner_client.post(path)

        assert asked.status_code == 202
        assert asked.json()["success"] is True
        told = asked.json()["copy"]
        assert told["next_attempt_at"] == told["requested_at"]
        assert {name: told[name] for name in told if not name.endswith("_at")} == {
            "episode_id": outside.pk,
            "state": "waiting",
            "source_url": outside.audio_url,
            "attempts": 0,
            "error_code": None,
            "error": None,
        }
        assert owner_client.get(path).json() == asked.json()
        assert owner_client.post(path).json() == asked.json()
        assert AudioCopy.objects.count() == 1

    def test_needs_audio_outside(self, owner_client, owner, show, now):
        stored = publish_produced(owner, show, now=now)

        answered = owner_client.post(f"/api/episodes/{stored.pk}/keep-copy")

        assert answered.status_code == 409
        assert answered.json()["success"] is False

    def test_of_another_account_or_show_is_not_there(self, stranger_client, owner_client, copy):
        path = f"/api/episodes/{copy.episode_id}/keep-copy"

        answers = [
            stranger_client.post(path),
            stranger_client.get(path),
            owner_client.post(f"/api/shows/999/episodes/{copy.episode_id}/keep-copy"),
            owner_client.get(f"/api/shows/999/episodes/{copy.episode_id}/keep-copy"),
        ]

        assert {one.status_code for one in answers} == {404}

    def test_tells_when_nobody_asked(self, owner_client, outside):
        answered = owner_client.get(f"/api/episodes/{outside.pk}/keep-copy")

        assert answered.status_code == 404

    def test_needs_a_key(self, anonymous_client, copy):
        answered = anonymous_client.post(f"/api/episodes/{copy.episode_id}/keep-copy")

        assert answered.status_code == 401


class TestCopy:
    def test_takes_the_place_of_the_address_in_the_api_and_the_feed(
        self, run, outside, owner_client, client
    ):
        assert run().state == "kept"

        told = owner_client.get(f"/api/episodes/{outside.pk}").json()["episode"]
        asset = AudioAsset.objects.get()
        assert told["audio_url"] == f"https://podcasts.example/media/{asset.storage_key}"
        assert (told["audio_type"], told["audio_length"]) == ("audio/mpeg", len(MP3))
        assert (told["duration_seconds"], told["guid"]) == (2, str(outside.guid))
        feed = client.get(f"/api/shows/{outside.show_id}/feed").content.decode()
        assert f'length="{len(MP3)}"' in feed
        assert str(outside.guid) in feed
        assert Event.objects.filter(type="episode.updated").count() == 1
        assert Event.objects.get(type="episode.updated").data == told
        with open_stored(asset.storage_key) as stored:
            assert stored.read() == MP3
        assert asset.storage_key.endswith("_E-1.mp3")

    def test_asked_for_again_is_the_same(self, run, owner_client, outside):
        made = run()

        again = owner_client.post(f"/api/episodes/{outside.pk}/keep-copy")

        assert again.status_code == 202
        assert again.json()["copy"]["state"] == "kept"
        assert AudioCopy.objects.get() == made

    def test_follows_redirects(self, run, server):
        server.routes["/show/E%201.mp3"] = redirect("/elsewhere")
        server.routes["/elsewhere"] = answer(MP3)

        assert run().state == "kept"

    def test_is_swept_with_its_episode(self, run, outside, owner, now):
        run()

        delete_episode(account=owner, episode_id=outside.pk, now=now)
        sweep_files(now=now)

        assert not AudioAsset.objects.exists()
        assert not StoredFile.objects.exists()

    def test_holds_little_of_it_in_memory(self, run, server):
        frames = sounds.mp3(seconds=60) * 80
        server.routes["/show/E%201.mp3"] = answer(frames)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            made = run()
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()

        assert made.state == "kept"
        assert len(frames) > 16_000_000
        assert peak < 6_000_000


def endlessly(connection):
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(MP3)


def dripping(connection):
    connection.sendall(HEAD + b"\r\n")
    for byte in MP3[:600]:
        connection.sendall(bytes([byte]))
        threading.Event().wait(0.01)


def silent(connection):
    connection.sendall(HEAD + b"Content-Length: 5000\r\n\r\n" + MP3[:100])
    connection.recv(1)


def announcing(length):
    return HEAD + f"Content-Length: {length}\r\n\r\n".encode() + MP3


class TestHostileServer:
    @pytest.mark.parametrize(
        ("reply", "code"),
        [
            (endlessly, "too_large"),
            (announcing(10**12), "too_large"),
            (
                answer(gzip.compress(bytes(5_000_000)), headers={"Content-Encoding": "gzip"}),
                "too_large",
            ),
            (answer(b"<html>Not here</html>", content_type="audio/mpeg"), "audio_not_accepted"),
            (answer(MP3[: len(MP3) // 3][:200], content_type="audio/mpeg"), "audio_damaged"),
            (answer(b""), "audio_empty"),
            (answer(MP3, status="404 Not Found"), "bad_status"),
            (redirect("http://127.0.0.2/a.mp3"), "address_refused"),
            (redirect("http://[::1]/a.mp3"), "address_refused"),
            (redirect("http://169.254.169.254/latest"), "address_refused"),
            (redirect("file:///etc/passwd"), "url_invalid"),
            (redirect("/show/E%201.mp3"), "too_many_redirects"),
        ],
    )
    def test_is_given_up_with_a_reason(
        self, run, server, unchanged, owner_client, outside, monkeypatch, reply, code
    ):
        monkeypatch.setattr("episodes.copying.MAX_AUDIO_BYTES", 1_000_000)
        server.routes["/show/E%201.mp3"] = reply

        assert run().state == "failed"

        told = owner_client.get(f"/api/episodes/{outside.pk}/keep-copy").json()["copy"]
        assert told["error_code"] == code
        assert len(told["error"]) > 10
        unchanged()

    @pytest.mark.parametrize(
        ("reply", "code", "limit"),
        [
            (dripping, "too_slow", "GRACE_SECONDS"),
            (silent, "timed_out", "SILENCE_SECONDS"),
            (announcing(len(MP3) + 1), "response_unreadable", None),
            (b"Nonsense", "response_unreadable", None),
            (answer(status="503 Busy"), "bad_status", None),
        ],
    )
    def test_that_may_recover_is_asked_again_and_then_given_up(
        self, run, server, unchanged, monkeypatch, reply, code, limit
    ):
        # The other limit stays as it is: on a busy machine this server itself may pause.
        if limit is not None:
            monkeypatch.setattr(f"episodes.copying.{limit}", 0.3)
        server.routes["/show/E%201.mp3"] = reply

        first = run()
        too_early = run(timedelta(seconds=59))
        ends = [run(timedelta(days=number)) for number in range(1, MAX_ATTEMPTS)]

        assert (first.state, first.error_code, first.attempts) == ("waiting", code, 1)
        assert too_early.attempts == 1
        assert (ends[-1].state, ends[-1].attempts) == ("failed", MAX_ATTEMPTS)
        unchanged()

    def test_that_recovers_is_heard(self, run, server):
        server.routes["/show/E%201.mp3"] = answer(status="503 Busy")
        run()
        server.routes["/show/E%201.mp3"] = answer(MP3)

        made = run(timedelta(minutes=2))

        assert (made.state, made.error_code) == ("kept", "")

    def test_inside_a_private_network_is_not_called(self, run, server, settings, unchanged):
        settings.OUTBOUND_ALLOW = []

        assert run().error_code == "address_refused"

        assert server.requests == []
        unchanged()


class TestMeanwhile:
    def test_other_audio_wins(self, run, server, outside, owner, now):
        other = "https://cdn.example.com/other.mp3"

        def replace(sending):
            update_episode(
                account=owner, episode_id=outside.pk, changes={"audio_url": other}, now=now
            )
            connection.close()
            sending.sendall(answer(MP3))

        server.routes["/show/E%201.mp3"] = replace

        assert run().error_code == "audio_replaced"

        assert Episode.objects.get(pk=outside.pk).audio_url == other
        assert not StoredFile.objects.exists()

    def test_a_deleted_episode_leaves_nothing(self, copy, server, outside, owner, now):
        def delete(sending):
            delete_episode(account=owner, episode_id=outside.pk, now=now)
            connection.close()
            sending.sendall(answer(MP3))

        server.routes["/show/E%201.mp3"] = delete

        assert copy_audio(copy_id=copy.pk, clock=lambda: now)

        assert not AudioCopy.objects.exists()
        assert not StoredFile.objects.exists()

    def test_it_is_claimed_once(self, copy, now):
        assert claim_copy(copy_id=copy.pk, now=now) is not None
        assert claim_copy(copy_id=copy.pk, now=now) is None
        assert due_copies(now=now) == []
        assert due_copies(now=now + LEASE + timedelta(seconds=1)) == [copy.pk]

    def test_a_killed_worker_leaves_nothing_and_another_one_ends_the_work(
        self, copy, run, server, now, tmp_path, settings, unchanged
    ):
        server.routes["/show/E%201.mp3"] = silent
        database = connection.settings_dict["NAME"]
        url = os.environ.get("DATABASE_URL", "").replace("/postgres?", f"/{database}?")
        code = (
            "from datetime import datetime; from episodes.copying import copy_audio;"
            f"moment = datetime.fromisoformat({now.isoformat()!r});"
            f"copy_audio(copy_id={copy.pk}, clock=lambda: moment)"
        )
        worker = subprocess.Popen(
            [PYTHON, str(BASE_DIR / "manage.py"), "shell", "-c", code],
            env=environment_of(
                tmp_path,
                1,
                DATABASE_URL=url or f"sqlite:///{database}",
                OUTBOUND_ALLOW="127.0.0.1/32",
                SECRET_KEY=settings.SECRET_KEY,
            ),
        )
        wait_until(lambda: bool(server.requests))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        unchanged()
        server.routes["/show/E%201.mp3"] = answer(MP3)

        assert run().state == "copying"
        assert run(LEASE + timedelta(seconds=1)).state == "kept"


class TestDatabase:
    @pytest.mark.parametrize(
        ("name", "changes"),
        [
            ("audiocopy_state_known|audiocopy_finished_when_final", {"state": "odd"}),
            ("audiocopy_lease_while_copying", {"state": "copying"}),
            ("audiocopy_finished_when_final", {"state": "kept"}),
            ("audiocopy_failed_says_why", {"state": "failed", "finished_at": "2026-01-01T00:00Z"}),
        ],
    )
    def test_refuses_bad_rows(self, copy, name, changes):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            AudioCopy.objects.filter(pk=copy.pk).update(**changes)
