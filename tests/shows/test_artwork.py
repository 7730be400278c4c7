from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.storage import default_storage
from django.db import connections
from django.test import Client
from PIL import Image

from core.models import StoredFile
from core.storage import delete_stored
from episodes.files import sweep_files
from keys.scopes import SHOWS_READ
from keys.services import issue_key
from shows.models import Show
from tests.factories import pictures
from tests.factories.published import publish_external
from webhooks.models import Event

ADDRESS = "https://podcasts.example/media/covers/"


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.DATA_DIR = tmp_path / "data"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": settings.MEDIA_ROOT, "base_url": "/media/"},
        },
    }


@pytest.fixture
def put(owner_client, show):
    def send(content, *, content_type="image/png", query="", client=None, **extra):
        path = f"/api/shows/{show.pk}/image{query}"
        return (client or owner_client).generic(
            "PUT", path, content, content_type=content_type, **extra
        )

    return send


@pytest.fixture
def put_form(owner_client, show):
    def send(**parts):
        path = f"/api/shows/{show.pk}/image"
        return owner_client.put(path, parts, format="multipart")

    return send


@pytest.fixture
def nothing_changed(show):
    def check():
        now_there = Show.objects.get(pk=show.pk)
        assert (now_there.cover_url, now_there.revision) == (None, show.revision)
        assert not StoredFile.objects.exists()
        assert not list(default_storage.base_location.rglob("*.jpg"))

    return check


def file_of(content, name="cover.png"):
    file = io.BytesIO(content)
    file.name = name
    return file


def stored_files():
    return {file.key for file in StoredFile.objects.all()}


class TestPut:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    @pytest.mark.parametrize("content_type", ["image/png", "application/x-www-form-urlencoded", ""])
    def test_takes_the_picture_as_the_body_whatever_it_is_called(self, put, kind, content_type):
        answer = put(pictures.drawing(kind=kind), content_type=content_type)

        assert answer.status_code == 200, answer.content
        assert answer.json()["success"] is True
        assert answer.json()["show"]["image_url"].startswith(ADDRESS)

    def test_takes_a_form(self, put_form):
        answer = put_form(image=file_of(pictures.drawing(kind="JPEG"), name="my cover.webp"))

        assert answer.status_code == 200
        assert answer.json()["show"]["image_url"].startswith(ADDRESS)

    def test_takes_a_body_in_chunks(self, put):
        content = pictures.drawing()

        # As the WSGI entry hands on a body without a length.
        answer = put(
            content,
            CONTENT_LENGTH="300000000",
            HTTP_TRANSFER_ENCODING="chunked",
            **{"wsgi.input": io.BytesIO(content)},
        )

        assert answer.status_code == 200

    def test_is_also_served_below_v1(self, owner_client, show):
        answer = owner_client.generic("PUT", f"/api/v1/shows/{show.pk}/image", pictures.drawing())

        assert answer.status_code == 200

    def test_makes_what_listeners_get(self, put, client):
        address = put(pictures.drawing(4_000)).json()["show"]["image_url"]

        answer = client.get(address.removeprefix("https://podcasts.example"))

        content = b"".join(answer)
        assert Image.open(io.BytesIO(content)).size == (3_000, 3_000)
        assert len(content) == int(answer["Content-Length"]) < 500_000
        assert answer["Content-Type"] == "image/jpeg"
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer["X-Content-Type-Options"] == "nosniff"
        again = client.get(answer.wsgi_request.path, headers={"If-None-Match": answer["ETag"]})
        assert again.status_code == 304

    def test_answers_head_and_ranges(self, put, client):
        address = put(pictures.drawing()).json()["show"]["image_url"]
        path = address.removeprefix("https://podcasts.example")

        head = client.head(path)
        part = client.get(path, headers={"Range": "bytes=0-1"})

        assert (head.status_code, head["Content-Type"]) == (200, "image/jpeg")
        assert (part.status_code, b"".join(part)) == (206, b"\xff\xd8")

    def test_obeys_the_limit_in_the_settings(self, put, client, settings):
        settings.COVER_MAX_BYTES = 300_000

        address = put(pictures.noise(700)).json()["show"]["image_url"]

        size = client.head(address.removeprefix("https://podcasts.example"))["Content-Length"]
        assert int(size) < 300_000

    def test_shows_at_once_everywhere(self, put, show, client, owner_client):
        address = put(pictures.drawing()).json()["show"]["image_url"]

        feed = client.get(f"/api/shows/{show.pk}/feed").content.decode()
        assert f'<itunes:image href="{address}"/>' in feed
        assert address in client.get(f"/shows/{show.slug}").content.decode()
        assert owner_client.get(f"/api/shows/{show.pk}").json()["show"]["image_url"] == address
        assert owner_client.get("/api/shows").json()["shows"][0]["image_url"] == address
        event = Event.objects.latest("pk")
        assert (event.type, event.data["image_url"]) == ("show.updated", address)

    def test_gives_each_picture_a_new_address_and_sweeps_the_old_file(self, put, client, now):
        first = put(pictures.drawing()).json()["show"]["image_url"]
        second = put(pictures.drawing()).json()["show"]["image_url"]

        sweep_files(now=now)

        assert first != second
        assert client.get(first.removeprefix("https://podcasts.example")).status_code == 404
        assert stored_files() == {second.removeprefix("https://podcasts.example/media/")}
        assert len(list(default_storage.base_location.rglob("*.jpg"))) == 1

    def test_takes_the_place_of_an_address(self, put, owner_client, show):
        path = f"/api/shows/{show.pk}"
        owner_client.patch(path, {"image_url": "https://example.com/a.jpg"}, format="json")

        address = put(pictures.drawing()).json()["show"]["image_url"]

        assert address.startswith(ADDRESS)
        assert Show.objects.get(pk=show.pk).image_url is None

    def test_crops_where_that_is_wanted(self, put):
        assert put(pictures.drawing(3_000, height=1_500), query="?fit=crop").status_code == 200

    def test_keeps_one_cover_of_two_sent_at_once(self, put, client_for, issued, now):
        def send(_number):
            try:
                return put(pictures.drawing(), client=client_for(issued.secret)).status_code
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(send, range(4)))

        sweep_files(now=now)
        assert statuses == [200] * 4
        assert stored_files() == {Show.objects.get().cover_key}


@pytest.mark.once
class TestRefusal:
    @pytest.mark.parametrize(
        ("make", "status", "code"),
        [
            (lambda: b"", 400, "invalid"),
            (lambda: b"<html><script>alert(1)</script>", 415, "picture_not_accepted"),
            (lambda: b"{}", 415, "picture_not_accepted"),
            (lambda: pictures.animated("PNG"), 415, "picture_not_accepted"),
            (lambda: pictures.png_bomb(60_000), 413, "picture_too_large"),
            (pictures.text_bomb, 400, "picture_damaged"),
            (lambda: pictures.drawing()[:-400], 400, "picture_damaged"),
            (lambda: pictures.drawing(600), 400, "picture_too_small"),
            (lambda: pictures.drawing(1_500, height=1_700), 400, "picture_not_square"),
            (lambda: bytes(20 * 1024 * 1024 + 1), 413, "file_too_large"),
        ],
        ids=[
            "empty",
            "html",
            "json",
            "animated",
            "pixels",
            "comment",
            "cut",
            "small",
            "strip",
            "bytes",
        ],
    )
    def test_names_the_reason_and_leaves_nothing(self, put, nothing_changed, make, status, code):
        answer = put(make())

        assert answer.status_code == status, answer.content
        body = answer.json()
        assert (body["success"], body["code"], body["field"]) == (False, code, "image")
        assert body["error"].startswith("image: ")
        nothing_changed()

    @pytest.mark.parametrize("name", ["picture", "audio"])
    def test_needs_the_part_of_the_form(self, put_form, nothing_changed, name):
        answer = put_form(**{name: file_of(pictures.drawing())})

        assert (answer.status_code, answer.json()["field"]) == (400, "image")
        nothing_changed()

    def test_of_a_body_that_breaks_off(self, put, nothing_changed):
        content = pictures.drawing()

        answer = put(content, **{"wsgi.input": io.BytesIO(content[:-100])})

        assert answer.status_code == 400
        nothing_changed()

    def test_has_a_largest_size_in_chunks_too(self, put, nothing_changed):
        body = io.BytesIO(bytes(21_000_000))

        answer = put(
            b"",
            CONTENT_LENGTH="300000000",
            HTTP_TRANSFER_ENCODING="chunked",
            **{"wsgi.input": body},
        )

        assert answer.status_code == 413
        nothing_changed()

    def test_of_an_unknown_fit(self, put, nothing_changed):
        answer = put(pictures.drawing(), query="?fit=stretch")

        assert (answer.status_code, answer.json()["field"]) == (400, "fit")
        nothing_changed()

    def test_of_a_show_of_another_account(self, put, stranger_client, nothing_changed):
        assert put(pictures.drawing(), client=stranger_client).status_code == 404
        nothing_changed()

    def test_without_the_scope(self, put, owner, now, client_for, nothing_changed):
        key = issue_key(account=owner, name="reader", scopes=[SHOWS_READ], actor="a test", now=now)

        assert put(pictures.drawing(), client=client_for(key.secret)).status_code == 403
        nothing_changed()

    def test_without_a_key(self, put, anonymous_client, nothing_changed):
        assert put(pictures.drawing(), client=anonymous_client).status_code == 401
        nothing_changed()

    @pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
    def test_of_other_methods(self, owner_client, show, method):
        answer = owner_client.generic(method, f"/api/shows/{show.pk}/image")

        assert (answer.status_code, answer.json()["success"]) == (405, False)

    def test_keeps_the_cover_that_is_there(self, put):
        address = put(pictures.drawing()).json()["show"]["image_url"]

        put(b"no picture")

        assert Show.objects.get().cover_url == address


class TestTakingOff:
    @pytest.mark.parametrize("how", ["delete", "null", "another"])
    def test_gives_the_file_up(self, put, owner_client, show, now, how):
        put(pictures.drawing())
        path = f"/api/shows/{show.pk}"
        revision = Show.objects.get().revision

        if how == "delete":
            answer = owner_client.delete(f"{path}/image")
            assert (answer.status_code, answer.content) == (204, b"")
        else:
            url = None if how == "null" else "https://example.com/b.png"
            answer = owner_client.patch(path, {"image_url": url}, format="json")
            assert answer.json()["show"]["image_url"] == url
        sweep_files(now=now)

        assert Show.objects.get().cover_key is None
        assert Show.objects.get().revision == revision + 1
        assert not stored_files()

    def test_also_takes_an_address_off(self, owner_client, show):
        path = f"/api/shows/{show.pk}"
        owner_client.patch(path, {"image_url": "https://example.com/a.jpg"}, format="json")

        owner_client.delete(f"{path}/image")

        assert owner_client.get(path).json()["show"]["image_url"] is None

    def test_of_nothing_changes_nothing(self, owner_client, show):
        answer = owner_client.delete(f"/api/shows/{show.pk}/image")

        assert answer.status_code == 204
        assert Show.objects.get().revision == show.revision

    def test_does_not_happen_when_a_client_sends_the_address_back(self, put, owner_client, show):
        address = put(pictures.drawing()).json()["show"]["image_url"]

        answer = owner_client.patch(
            f"/api/shows/{show.pk}", {"image_url": address, "title": "New"}, format="json"
        )

        assert answer.json()["show"]["image_url"] == address
        assert Show.objects.get().cover_key

    def test_of_a_show_of_another_account_is_refused(self, put, stranger_client, show):
        put(pictures.drawing())

        assert stranger_client.delete(f"/api/shows/{show.pk}/image").status_code == 404
        assert Show.objects.get().cover_key

    def test_happens_with_the_show(self, put, owner_client, owner, show, now):
        put(pictures.drawing())
        publish_external(owner, show, now=now)

        owner_client.delete(f"/api/shows/{show.pk}")
        sweep_files(now=now)

        assert not stored_files()
        assert not list(default_storage.base_location.rglob("*.jpg"))


def test_a_missing_file_is_a_404(put):
    address = put(pictures.drawing()).json()["show"]["image_url"]
    delete_stored(Show.objects.get().cover_key)

    assert Client().get(address.removeprefix("https://podcasts.example")).status_code == 404
