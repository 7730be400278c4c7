"""Tests of media in an object store, against a server that speaks S3 on loopback."""

from __future__ import annotations

import contextlib
import hashlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
from django.core.files.storage import default_storage
from django.db import connections
from moto.server import ThreadedMotoServer

from core.storage import delete_stored, open_stored
from episodes.uploads import SentAudio, store_upload
from tests.factories import sounds
from tests.factories.published import AUDIO, publish_produced

BUCKET = "podwright-media"
CREDENTIALS = {"access_key": "key", "secret_key": "secret"}


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def object_store(endpoint, settings, tmp_path):
    """Media go to a fresh bucket, as AWS_STORAGE_BUCKET_NAME makes them."""
    settings.DATA_DIR = tmp_path
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket=BUCKET)
    stores_before = settings.STORAGES
    settings.STORAGES = stores_before | {
        "default": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": BUCKET,
                "endpoint_url": endpoint,
                "file_overwrite": False,
                "region_name": "us-east-1",
                **CREDENTIALS,
            },
        }
    }
    yield client
    settings.STORAGES = stores_before
    # Hits of earlier tests may still be on their way into the bucket.
    while True:
        for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            client.delete_object(Bucket=BUCKET, Key=found["Key"])
        with contextlib.suppress(client.exceptions.ClientError):
            client.delete_bucket(Bucket=BUCKET)
            break
    client.close()


@pytest.fixture
def episode(object_store, owner, show, now):
    return publish_produced(owner, show, now=now)


@pytest.fixture
def path(episode):
    return f"/media/{episode.asset.storage_key}"


class TestObjectStore:
    def test_holds_what_we_store(self, object_store, episode):
        key = episode.asset.storage_key

        assert object_store.get_object(Bucket=BUCKET, Key=key)["Body"].read() == AUDIO
        with open_stored(key) as stored:
            assert stored.read() == AUDIO

    def test_forgets_what_we_delete(self, episode):
        delete_stored(episode.asset.storage_key)

        assert not default_storage.exists(episode.asset.storage_key)

    def test_never_overwrites(self, episode, owner, show, now):
        other = publish_produced(owner, show, now=now, audio=AUDIO + b"other")

        assert other.asset.storage_key != episode.asset.storage_key
        with open_stored(episode.asset.storage_key) as stored:
            assert stored.read() == AUDIO


class TestUpload:
    def test_stores_the_same_bytes_once_when_they_come_at_the_same_time(
        self, object_store, owner, now
    ):
        content = sounds.mp3()

        def store(_):
            digest = hashlib.sha256(content).hexdigest()
            sent = SentAudio(BytesIO(content), "a.mp3", len(content), digest)
            try:
                return store_upload(account=owner, sent=sent, now=now).storage_key
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            keys = set(pool.map(store, range(4)))

        found = object_store.list_objects_v2(Bucket=BUCKET, Prefix="audio/")["Contents"]
        assert [one["Key"] for one in found] == list(keys)
        assert found[0]["Size"] == len(content)


class TestMedia:
    def test_leads_to_a_signed_address_that_gives_the_file_and_parts_of_it(self, client, path):
        response = client.get(path)

        assert response.status_code == 302
        assert response["Cache-Control"] == "private, no-store"
        location = response["Location"]
        assert parse_qs(urlsplit(location).query)["response-content-type"] == ["audio/mpeg"]
        whole = httpx.get(location, timeout=60)
        assert whole.content == AUDIO
        assert whole.headers["Content-Type"] == "audio/mpeg"
        part = httpx.get(location, headers={"Range": "bytes=10-19"}, timeout=60)
        assert part.status_code == 206
        assert part.content == AUDIO[10:20]

    def test_answers_head_itself(self, client, path):
        response = client.head(path)

        assert response.status_code == 200
        assert response["Content-Length"] == str(len(AUDIO))
        assert response["Content-Type"] == "audio/mpeg"
        assert response["Accept-Ranges"] == "bytes"

    def test_leads_to_the_network_in_front_when_there_is_one(self, client, path, episode, settings):
        settings.PUBLIC_MEDIA_URL = "https://cdn.example/m"

        response = client.get(path)

        assert response["Location"] == f"https://cdn.example/m/{episode.asset.storage_key}"

    def test_counts_the_request(self, client, path, tmp_path):
        client.get(path)

        (segment,) = (tmp_path / "spool").glob("*.*")
        assert segment.read_bytes().count(b'"media"') == 1

    def test_does_not_give_what_no_row_owns(self, db, client, object_store):
        object_store.put_object(Bucket=BUCKET, Key="audio/foreign.mp3", Body=b"x")

        assert client.get("/media/audio/foreign.mp3").status_code == 404


def test_the_track_address_leads_to_it_too(client, episode, path):
    assert client.get(f"/api/track/{episode.pk}.mp3")["Location"].endswith(path)
