from __future__ import annotations

import hashlib
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connections

from core.forms import FilePart, ReceivedFile
from core.models import StoredFile
from core.storage import open_stored
from episodes.files import sweep_files
from episodes.models import AudioAsset, Episode
from episodes.uploads import SentAudio, store_upload
from shows.models import Show
from shows.services import ShowDraft, create_show
from tests.factories import sounds

ADDRESS = "https://cdn.example.com/episode-001.mp3"
BOUNDARY = "a1b2c3"
MP3 = sounds.mp3()


def named(content: bytes, name: str = "Épisode 1.mp3") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/plain")


def part(name: str, content: bytes, *, filename: str | None = None) -> bytes:
    extra = f'; filename="{filename}"' if filename else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def send_chunks(send_raw, body):
    """As the WSGI entry hands on a body without a length."""
    return send_raw(
        body,
        CONTENT_LENGTH="300000000",
        HTTP_TRANSFER_ENCODING="chunked",
        **{"wsgi.input": BytesIO(body)},
    )


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media", "base_url": "/media/"},
        }
    }
    settings.DATA_DIR = tmp_path


@pytest.fixture
def upload(owner_client):
    def send(content=MP3, name="episode.mp3", client=owner_client, path="/api/v1/upload"):
        return client.post(path, {"audio": named(content, name)}, format="multipart")

    return send


@pytest.fixture
def send_raw(owner_client):
    def send(body, *, path="/api/upload", **headers):
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return owner_client.generic("POST", path, body, content_type=kind, **headers)

    return send


@pytest.fixture
def create(owner_client, show):
    def send(**fields):
        path = f"/api/shows/{show.pk}/episodes"
        return owner_client.post(path, {"title": "Episode 1", **fields}, format="multipart")

    return send


@pytest.fixture
def nothing_left(tmp_path):
    def check():
        assert not AudioAsset.objects.exists()
        assert not StoredFile.objects.exists()
        left = [path for name in ("media", "work") for path in (tmp_path / name).rglob("*")]
        assert [path for path in left if path.is_file()] == []

    return check


class TestUpload:
    @pytest.mark.parametrize("path", ["/api/v1/upload", "/api/upload"])
    def test_answers_the_fields_of_the_contract_alone(self, upload, path):
        answer = upload(path=path)

        assert answer.status_code == 201
        url = answer.json()["url"]
        assert url.startswith("https://podcasts.example/media/audio/")
        assert url.endswith("_episode.mp3")
        assert answer.json() == {
            "success": True,
            "url": url,
            "filename": "episode.mp3",
            "size": len(MP3),
            "content_type": "audio/mpeg",
        }

    def test_gives_an_address_that_serves_the_bytes_without_a_key(self, upload, client):
        url = upload().json()["url"]

        answer = client.get(url.removeprefix("https://podcasts.example"))

        assert answer.status_code == 200
        assert answer.getvalue() == MP3
        assert answer["Content-Type"] == "audio/mpeg"
        assert answer["X-Content-Type-Options"] == "nosniff"

    def test_takes_a_body_in_chunks(self, send_raw):
        answer = send_chunks(send_raw, part("audio", MP3, filename="a.mp3") + END)

        assert answer.status_code == 201
        assert answer.json()["size"] == len(MP3)

    def test_holds_little_of_it_in_memory(self, send_raw):
        sound = 20_000_000
        head = sounds.wav()[:40] + sound.to_bytes(4, "little")
        body = part("audio", head + bytes(sound), filename="a.wav") + END
        send_raw(part("audio", MP3, filename="a.mp3") + END)  # loads what is loaded once
        request = BytesIO(body)

        tracemalloc.start()
        answer = send_raw(b"", CONTENT_LENGTH=str(len(body)), **{"wsgi.input": request})
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert answer.status_code == 201
        assert peak < 8_000_000

    def test_measures_the_file(self, upload):
        upload(sounds.tagged_mp3(tag_bytes=300))

        asset = AudioAsset.objects.get()
        assert asset.duration_seconds == pytest.approx(sounds.SECONDS, abs=0.1)
        assert asset.header_bytes == 310
        assert asset.sha256 == hashlib.sha256(sounds.tagged_mp3(tag_bytes=300)).hexdigest()

    @pytest.mark.parametrize(
        ("content", "kind", "extension"),
        [(sounds.wav(), "audio/wav", "wav"), (sounds.m4a(), "audio/x-m4a", "m4a")],
    )
    def test_goes_by_the_content_and_not_by_the_name(self, upload, content, kind, extension):
        answer = upload(content, name="liar.mp3").json()

        assert answer["content_type"] == kind
        assert answer["url"].endswith(f"_liar.{extension}")

    @pytest.mark.parametrize(
        "name", ["../../etc/passwd.mp3", "x" * 400 + ".mp3", "日本語.mp3", "<b>.mp3", 'a"b;c.mp3']
    )
    def test_takes_any_name(self, upload, name):
        answer = upload(name=name)

        assert answer.status_code == 201
        tail = answer.json()["url"].rpartition("/")[2].partition("_")[2]
        assert ".." not in tail
        assert tail.isascii()
        assert len(tail) <= 70

    def test_stores_the_same_bytes_once(self, upload):
        first, second = upload(), upload(name="again.mp3")

        assert second.json()["url"] == first.json()["url"]
        assert second.json()["filename"] == "again.mp3"
        assert StoredFile.objects.count() == 1

    def test_stores_the_same_bytes_once_when_they_come_at_the_same_time(self, owner, now):
        def store(_):
            sent = SentAudio(BytesIO(MP3), "a.mp3", len(MP3), hashlib.sha256(MP3).hexdigest())
            try:
                return store_upload(account=owner, sent=sent, now=now).storage_key
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            keys = set(pool.map(store, range(4)))

        assert len(keys) == 1
        assert set(StoredFile.objects.values_list("key", flat=True)) == keys

    def test_keeps_accounts_apart(self, upload, stranger_client):
        mine, theirs = upload().json()["url"], upload(client=stranger_client).json()["url"]

        assert mine != theirs

    def test_stays_when_nothing_refers_to_it(self, upload, now):
        url = upload().json()["url"]

        sweep_files(now=now + timedelta(days=3650))

        assert upload().json()["url"] == url
        with open_stored(AudioAsset.objects.get().storage_key) as stored:
            assert stored.read() == MP3

    def test_is_one_row_for_each_content_in_the_database_too(self, upload):
        upload()
        asset = AudioAsset.objects.get()
        asset.pk, asset.storage_key = None, "audio/other.mp3"

        with pytest.raises(IntegrityError, match=r"audioasset_uploaded_once|UNIQUE"):
            asset.save(force_insert=True)


class TestRefusedUpload:
    @pytest.mark.parametrize(
        ("content", "status"),
        [
            (b"<html><script>alert(1)</script></html>" * 50, 415),
            (b"<html>" + MP3, 415),
            (MP3[: len(MP3) // 2], 400),
            (b"", 400),
        ],
        ids=["html", "polyglot", "truncated", "empty"],
    )
    def test_names_the_part_and_leaves_nothing(self, upload, nothing_left, content, status):
        answer = upload(content)

        assert answer.status_code == status
        assert answer.json()["success"] is False
        assert answer.json()["error"].startswith("audio: ")
        nothing_left()

    def test_says_how_to_send_the_part_that_is_missing(self, owner_client, nothing_left):
        for body in ({"file": named(MP3)}, {"audio": "text"}, {}):
            answer = owner_client.post("/api/upload", body, format="multipart")

            assert answer.status_code == 400
            assert "audio" in answer.json()["error"]
        nothing_left()

    def test_is_for_forms_only(self, owner_client):
        answer = owner_client.post("/api/upload", {"audio": "x"}, format="json")

        assert answer.status_code == 415
        assert "multipart/form-data" in answer.json()["error"]

    def test_has_a_largest_size(self, upload, send_raw, nothing_left, monkeypatch):
        announced = send_raw(b"", CONTENT_LENGTH="220000000")
        monkeypatch.setattr("episodes.api.AudioFormView.file_part", FilePart("audio", 5_000))
        counted = upload()

        assert announced.status_code == counted.status_code == 413
        assert announced.json()["error"] == "audio: the file is too large; the limit is 200 MB."
        nothing_left()

    def test_is_not_believed_when_it_ends_early(self, send_raw, nothing_left):
        whole = part("audio", MP3, filename="a.mp3") + END
        shorter = whole[: len(whole) // 2]

        broken_off = send_raw(
            whole, CONTENT_LENGTH=str(len(whole)), **{"wsgi.input": BytesIO(shorter)}
        )
        without_end = send_raw(shorter)
        without_last_boundary = send_raw(part("audio", MP3, filename="a.mp3"))

        for answer in (broken_off, without_end, without_last_boundary):
            assert answer.status_code == 400
            assert answer.json()["success"] is False
        nothing_left()

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"no form at all",
            END,
            b"--" + BOUNDARY.encode() + b"\r\n" + b"x" * 5_000 + END,
            part("audio", MP3, filename="a.mp3") * 2 + END,
            part("audio", MP3, filename="a.mp3") + part("x", b"1", filename="x") * 200 + END,
            part("audio", MP3, filename="a.mp3") + part("x", b"1") * 2_000 + END,
        ],
        ids=["empty", "text", "no part", "huge head", "twice", "many files", "many texts"],
    )
    def test_is_a_clear_400_for_forms_that_make_no_sense(self, send_raw, nothing_left, body):
        answer = send_raw(body)

        assert answer.status_code == 400
        assert answer.json()["success"] is False
        nothing_left()

    def test_needs_a_length(self, send_raw):
        assert send_raw(b"", CONTENT_LENGTH="-1").status_code == 411

    def test_is_not_believed_when_chunks_end_early(self, send_raw, nothing_left):
        whole = part("audio", MP3, filename="a.mp3") + END

        answer = send_chunks(send_raw, whole[:-30])

        assert answer.status_code == 400
        nothing_left()

    def test_has_a_largest_size_in_chunks_too(self, send_raw, nothing_left, monkeypatch):
        monkeypatch.setattr("core.forms.MAX_FORM_OVERHEAD", 100)
        monkeypatch.setattr("episodes.api.AudioFormView.file_part", FilePart("audio", 5_000))

        answer = send_chunks(send_raw, part("other", MP3, filename="a.mp3") + END)

        assert answer.status_code == 413
        nothing_left()

    def test_needs_a_key_with_the_scope(self, upload, anonymous_client, owner_client, client_for):
        made = owner_client.post("/api/keys", {"scopes": ["episodes:read"]}, format="json")
        reader = client_for(made.json()["api_key"]["key"])

        assert upload(client=anonymous_client).status_code == 401
        assert upload(client=reader).status_code == 403
        assert upload(path="/api/upload/").status_code == 404

    @pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
    def test_is_a_post(self, owner_client, method):
        assert getattr(owner_client, method)("/api/v1/upload").status_code == 405

    def test_leaves_nothing_when_storage_fails(self, upload, tmp_path, monkeypatch):
        def full(*_args, **_options):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("django.core.files.storage.FileSystemStorage.save", full)

        assert upload().status_code == 500
        assert not AudioAsset.objects.exists()
        assert not StoredFile.objects.exists()


class TestEpisodeFromAnUpload:
    def test_takes_the_address_and_the_measures(self, upload, owner_client, show):
        url = upload().json()["url"]
        body = {"title": "Episode 1", "audio_url": url, "audio_length": 7, "duration_seconds": 9}

        answer = owner_client.post(f"/api/shows/{show.pk}/episodes", body, format="json")

        told = answer.json()["episode"]
        assert answer.status_code == 201
        assert (told["audio_url"], told["audio_length"]) == (url, len(MP3))
        assert (told["audio_type"], told["duration_seconds"]) == ("audio/mpeg", 2)
        assert Episode.objects.get().asset == AudioAsset.objects.get()

    def test_is_possible_twice(self, upload, owner_client, show):
        url = upload().json()["url"]
        for title in ("One", "Two"):
            body = {"show_id": show.pk, "title": title, "audio_url": url}
            answer = owner_client.post("/api/episodes/publish", body, format="json")
            assert answer.status_code == 201

        assert AudioAsset.objects.get().episodes.count() == 2

    def test_of_another_account_is_an_address_outside(
        self, upload, stranger_client, owner_client, show
    ):
        url = upload(client=stranger_client).json()["url"]
        body = {"title": "Episode 1", "audio_url": url}

        answer = owner_client.post(f"/api/shows/{show.pk}/episodes", body, format="json")

        assert answer.status_code == 201
        made = Episode.objects.get()
        assert (made.asset, made.audio_url) == (None, url)

    def test_replaces_audio_from_outside_and_back(self, upload, owner_client, create):
        url = upload().json()["url"]
        made = create(audio_url=ADDRESS).json()["episode"]["id"]

        inside = owner_client.patch(f"/api/episodes/{made}", {"audio_url": url}, format="json")
        outside = owner_client.patch(f"/api/episodes/{made}", {"audio_url": ADDRESS}, format="json")

        assert inside.json()["episode"]["audio_url"] == url
        assert inside.json()["episode"]["audio_length"] == len(MP3)
        assert outside.json()["episode"]["audio_url"] == ADDRESS
        assert outside.json()["episode"]["audio_length"] is None

    def test_counts_for_the_episode_that_the_public_sees(
        self, upload, owner, owner_client, now, client
    ):
        url = upload().json()["url"]
        path = url.removeprefix("https://podcasts.example")
        shows = [
            create_show(account=owner, draft=ShowDraft(title=title), now=now)
            for title in ("Public", "Private", "Later")
        ]
        Show.objects.filter(pk=shows[1].pk).update(visibility="private")
        for show, state in zip(shows, ("published", "published", "draft"), strict=True):
            body = {"title": "x", "audio_url": url, "status": state}
            owner_client.post(f"/api/shows/{show.pk}/episodes", body, format="json")

        answer = client.get(path)
        answer.close()

        assert "private" not in answer["Cache-Control"]

    def test_outlives_the_episode(self, upload, owner_client, create, now):
        url = upload().json()["url"]
        made = create(audio_url=url).json()["episode"]["id"]

        owner_client.delete(f"/api/episodes/{made}")
        sweep_files(now=now + timedelta(days=1))

        assert upload().json()["url"] == url


class TestEpisodeByForm:
    def test_stores_the_file_and_publishes(self, create, show):
        answer = create(
            audio=named(MP3, "episode.mp3"),
            description="Our first episode",
            episode_number="1",
            season=" 2 ",
            explicit="true",
            duration_seconds="",
            publish_at="",
        )

        body = answer.json()
        assert answer.status_code == 201
        assert body["message"] == "Episode created with uploaded audio file."
        assert body["feed_url"] == f"https://podcasts.example/api/shows/{show.pk}/feed"
        told = body["episode"]
        assert told["audio_url"].endswith("_episode.mp3")
        assert (told["audio_length"], told["audio_type"]) == (len(MP3), "audio/mpeg")
        assert (told["duration_seconds"], told["status"]) == (2, "published")
        assert (told["episode_number"], told["season"], told["explicit"]) == (1, 2, True)
        assert told["description"] == "Our first episode"

    @pytest.mark.parametrize("path", ["/api/episodes/publish", "/api/v1/episodes/publish"])
    def test_works_on_the_flat_address_too(self, owner_client, show, path):
        body = {"title": "Flat", "show_id": str(show.pk), "audio": named(MP3)}

        answer = owner_client.post(path, body, format="multipart")

        assert answer.status_code == 201
        assert answer.json()["message"] == "Episode created with uploaded audio file."

    def test_takes_an_address_in_place_of_the_file(self, create):
        answer = create(audio_url=ADDRESS, audio_length="12")

        assert answer.status_code == 201
        assert answer.json()["episode"]["audio_url"] == ADDRESS
        assert answer.json()["episode"]["audio_length"] == 12
        assert answer.json()["message"].startswith('Episode "Episode 1" published to')

    def test_needs_exactly_one_of_both(self, create, nothing_left):
        both, neither = create(audio=named(MP3), audio_url=ADDRESS), create()

        for answer in (both, neither):
            assert answer.status_code == 400
            assert "audio_url" in answer.json()["error"]
        nothing_left()

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"title": ""}, "title"),
            ({"title": "x" * 1_001}, "title"),
            ({"title": ["a", "b"]}, "title"),
            ({"episode_number": "-1"}, "episode_number"),
            ({"explicit": "perhaps"}, "explicit"),
            ({"status": "scheduled"}, "publish_at"),
            ({"description": "x" * 100_001}, "description"),
        ],
    )
    def test_leaves_nothing_when_a_text_is_refused(self, create, nothing_left, fields, name):
        answer = create(audio=named(MP3), **fields)

        assert answer.status_code == 400
        assert answer.json()["error"].startswith(name)
        nothing_left()

    def test_refuses_texts_that_are_not_utf_8(self, send_raw, show, nothing_left):
        body = part("title", b"Caf\xe9") + part("audio", MP3, filename="a.mp3") + END

        answer = send_raw(body, path=f"/api/shows/{show.pk}/episodes")

        assert answer.status_code == 400
        assert answer.json()["error"] == "title: is not valid UTF-8"
        nothing_left()

    def test_refuses_texts_of_megabytes(self, send_raw, show, nothing_left):
        body = part("audio", MP3, filename="a.mp3") + part("title", b"x" * 3_000_000) + END

        answer = send_raw(body, path=f"/api/shows/{show.pk}/episodes")

        assert answer.status_code == 413
        nothing_left()

    def test_refuses_files_as_the_upload_does(self, create, nothing_left):
        assert create(audio=named(b"<html></html>" * 99)).status_code == 415
        assert not Episode.objects.exists()
        nothing_left()

    def test_leaves_nothing_when_the_quota_is_used_up(self, create, nothing_left):
        for _ in range(10):
            assert create(audio_url=ADDRESS).status_code == 201

        answer = create(audio=named(MP3))

        assert answer.status_code == 429
        nothing_left()

    @pytest.mark.parametrize("flat", [True, False])
    def test_of_another_account_is_not_there(self, show, stranger_client, nothing_left, flat):
        path = "/api/episodes/publish" if flat else f"/api/shows/{show.pk}/episodes"
        body = {"title": "x", "show_id": show.pk, "audio": named(MP3)}

        assert stranger_client.post(path, body, format="multipart").status_code == 404
        nothing_left()


def test_a_file_that_is_being_received_has_no_name(settings, monkeypatch, owner_client):
    seen = []
    original = ReceivedFile.__init__

    def look(self, *arguments, **options):
        seen.append(list(Path(settings.DATA_DIR, "work").iterdir()))
        original(self, *arguments, **options)

    monkeypatch.setattr(ReceivedFile, "__init__", look)
    owner_client.post("/api/upload", {"audio": named(MP3)}, format="multipart")

    assert seen == [[]]
