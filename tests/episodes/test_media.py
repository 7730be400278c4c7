"""Tests of /media/: only owned files, ranges, validators, streaming."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage

from analytics.hits import HitKind, unpack
from analytics.open_segments import complete_part
from core.storage import media_url, store_bytes
from episodes.media import find_media
from tests.factories.published import AUDIO, DOCUMENTS, publish_produced

# The database is asked who owns a file, and nothing else.
pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def data_dir(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    return settings.DATA_DIR


@pytest.fixture
def episode(owner, show, now):
    return publish_produced(owner, show, now=now)


@pytest.fixture
def path(episode):
    return f"/media/{episode.asset.storage_key}"


def body(response):
    return b"".join(response)


def hits(data_dir):
    return [
        unpack(line)
        for path in sorted((data_dir / "spool").glob("*.*"))
        for line in complete_part(path.read_bytes()).splitlines()
    ]


class TestMediaUrl:
    def test_is_ours(self):
        assert media_url("audio/a b.mp3") == "https://podcasts.example/media/audio/a%20b.mp3"

    def test_is_that_of_a_network_in_front(self, settings):
        settings.PUBLIC_MEDIA_URL = "https://cdn.example/m"

        assert media_url("audio/x.mp3") == "https://cdn.example/m/audio/x.mp3"


class TestGet:
    def test_gives_the_audio(self, client, path, episode):
        response = client.get(path)

        assert response.status_code == 200
        assert body(response) == AUDIO
        assert response["Content-Type"] == "audio/mpeg"
        assert response["Content-Length"] == str(len(AUDIO))
        assert response["ETag"] == f'"{episode.asset.sha256[:32]}"'
        assert response["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response["Accept-Ranges"] == "bytes"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Content-Range" in response["Access-Control-Expose-Headers"]
        assert "Content-Encoding" not in response

    def test_gives_every_document_with_its_type(self, client, episode):
        for document in episode.documents.exclude(kind="timeline_json"):
            response = client.get(f"/media/{document.storage_key}")

            mime_type, _suffix, content = DOCUMENTS[document.kind]
            assert body(response) == content
            assert response["Content-Type"].partition(";")[0] == mime_type
            assert response["Content-Security-Policy"].endswith("sandbox")

    @pytest.mark.parametrize(
        ("header", "start", "end"),
        [
            ("bytes=0-1", 0, 1),
            ("bytes=0-0", 0, 0),
            ("bytes=100-", 100, 10_249),
            ("bytes=-50", 10_200, 10_249),
            ("bytes=10000-99999", 10_000, 10_249),
        ],
    )
    def test_gives_a_part(self, client, path, header, start, end):
        response = client.get(path, headers={"Range": header})

        assert response.status_code == 206
        assert body(response) == AUDIO[start : end + 1]
        assert response["Content-Range"] == f"bytes {start}-{end}/10250"
        assert response["Content-Length"] == str(end - start + 1)

    @pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=9-1", "items=0-1", "x", ""])
    def test_gives_the_whole_for_a_range_that_it_does_not_serve(self, client, path, header):
        response = client.get(path, headers={"Range": header})

        assert response.status_code == 200
        assert body(response) == AUDIO

    @pytest.mark.parametrize("header", ["bytes=10250-", "bytes=99999-100000", "bytes=-0"])
    def test_refuses_a_part_outside(self, client, path, header):
        response = client.get(path, headers={"Range": header})

        assert response.status_code == 416
        assert response["Content-Range"] == "bytes */10250"
        assert body(response) == b""

    def test_gives_a_part_only_of_the_version_that_the_client_has(self, client, path):
        tag = client.head(path)["ETag"]

        same = client.get(path, headers={"Range": "bytes=0-1", "If-Range": tag})
        other = client.get(path, headers={"Range": "bytes=0-1", "If-Range": '"other"'})

        assert same.status_code == 206
        assert body(same) == AUDIO[:2]
        assert other.status_code == 200
        assert body(other) == AUDIO

    def test_is_304_when_the_client_has_it(self, client, path):
        tag = client.head(path)["ETag"]

        response = client.get(path, headers={"If-None-Match": tag, "Range": "bytes=0-1"})

        assert response.status_code == 304
        assert response["ETag"] == tag
        assert "Content-Type" not in response

    def test_tells_shared_caches_to_keep_away_from_unpublished_audio(
        self, client, owner, show, now
    ):
        episode = publish_produced(owner, show, now=now, publish=False)

        response = client.get(f"/media/{episode.asset.storage_key}")

        assert response.status_code == 200
        assert body(response) == AUDIO
        assert response["Cache-Control"].startswith("private, ")

    def test_gives_pieces_of_a_bounded_size(self, client, owner, show, now):
        audio = bytes(range(256)) * 4_000
        episode = publish_produced(owner, show, now=now, audio=audio)

        pieces = list(client.get(f"/media/{episode.asset.storage_key}"))

        assert b"".join(pieces) == audio
        assert max(len(piece) for piece in pieces) <= 65_536


class TestHead:
    def test_has_the_headers_of_get_without_a_body(self, client, path):
        got = client.get(path)
        got.close()

        response = client.head(path, headers={"Range": "bytes=0-1"})

        assert response.status_code == 200
        assert response.content == b""
        same = ("ETag", "Content-Length", "Content-Type", "Accept-Ranges", "Cache-Control")
        assert [response[name] for name in same] == [got[name] for name in same]


class TestRefusals:
    @pytest.mark.parametrize(
        "key",
        [
            "",
            "unknown.mp3",
            "../secret_key",
            "..%2f..%2fsecret_key",
            "%2e%2e/secret_key",
            "/etc/passwd",
            "audio/%00.mp3",
            "audio/%0a",
            "x" * 5_000,
            "é",
            ".",
            "a\\b",
        ],
    )
    def test_what_no_row_owns_does_not_exist(self, db, client, key):
        assert client.get(f"/media/{key}").status_code == 404

    def test_a_file_without_an_owner_does_not_exist(self, db, client, now):
        key = store_bytes("audio/ownerless.mp3", b"x", now=now)
        try:
            assert client.get(f"/media/{key}").status_code == 404
        finally:
            default_storage.delete(key)

    def test_the_internal_timeline_does_not_exist(self, client, episode):
        key = episode.documents.get(kind="timeline_json").storage_key

        assert default_storage.exists(key)
        assert find_media(key) is None
        assert client.get(f"/media/{key}").status_code == 404

    def test_a_row_whose_file_is_lost_is_404(self, client, path, episode):
        default_storage.delete(episode.asset.storage_key)

        assert client.get(path).status_code == 404

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_other_methods_are_405(self, client, path, method):
        response = getattr(client, method)(path)

        assert response.status_code == 405
        assert response["Allow"] == "GET, HEAD, OPTIONS"

    def test_options_lets_pages_of_other_sites_read(self, client, path):
        response = client.options(path)

        assert response.status_code == 204
        assert "Range" in response["Access-Control-Allow-Headers"]


class TestHits:
    def test_say_what_part_was_answered(self, client, path, episode, data_dir):
        client.get(path, headers={"Range": "bytes=100-199"}).close()

        hit, ended = hits(data_dir)
        assert (ended.kind, ended.delivered) == (HitKind.DELIVERED, 100)
        assert hit.kind == HitKind.MEDIA
        assert (hit.episode_id, hit.show_id) == (episode.pk, episode.show_id)
        assert hit.asset_id == episode.asset_id
        assert (hit.status, hit.requested_range) == (206, "bytes=100-199")
        assert (hit.answer_start, hit.answer_length) == (100, 100)

    def test_are_not_made_for_documents_heads_and_drafts(
        self, client, owner, show, path, episode, now, data_dir
    ):
        draft = publish_produced(owner, show, now=now, publish=False)

        client.head(path)
        client.get(f"/media/{episode.documents.get(kind='transcript_vtt').storage_key}").close()
        client.get(f"/media/{draft.asset.storage_key}").close()

        assert hits(data_dir) == []
