"""nginx with the example configuration in front of a real server: feeds as files, media by X-Accel."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.clients.conftest import free_port, serving

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("nginx") and not os.environ.get("CI"), reason="nginx is not installed"
    ),
]


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """A seeded instance behind nginx; the folder of nginx itself is `nginx`."""
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port()
    extra = {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "MEDIA_ACCEL": "/protected",
        "TRUSTED_PROXIES": "127.0.0.0/8",
    }
    with serving(tmp_path_factory.mktemp("proxied"), **extra) as served:
        example = (ROOT / "deploy" / "nginx.conf").read_text()
        for placeholder, value in {
            "DATA_DIR": str(served.data_dir),
            "listen 80;": f"listen 127.0.0.1:{port};",
            "127.0.0.1:8000": served.address,
            "/var/log/nginx": str(folder),
        }.items():
            assert placeholder in example
            example = example.replace(placeholder, value)
        (folder / "podwright.conf").write_text(example)
        temporary = "".join(
            f"{name}_temp_path {folder}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;"
            f"{'user root;' if os.getuid() == 0 else ''} events {{}}"
            f"http {{ {temporary} access_log off; include {folder}/podwright.conf; }}"
        )
        command = ["nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]
        with (
            subprocess.Popen(command) as nginx,
            httpx.Client(transport=httpx.HTTPTransport(retries=20), timeout=60) as client,
        ):
            try:
                client.get(f"http://127.0.0.1:{port}/livez")
                yield served, client, folder
            finally:
                nginx.terminate()


@pytest.fixture
def feed(proxied):
    """The feed's address, once its file is there."""
    served, client, _folder = proxied
    from_file(client, served.feed_url)
    return served.feed_url


def is_from_file(answer):
    """The door never lets a feed be cut; files are nginx's own."""
    return "Cross-Origin-Resource-Policy" not in answer.headers


def from_file(client, url, **headers):
    """What nginx itself answers for the feed: the door puts its file there.

    The file may be taken away once more: the watcher looks twice a second for changes that nobody
    told of, does not know which ones were told, and tells of each again (feeds/watching.py).
    """
    answers = (client.get(url, headers=headers) for _ in range(20))
    answer = next((answer for answer in answers if is_from_file(answer)), None)
    assert answer is not None, "The feed's file never came."
    return answer


def test_feeds_are_sent_from_their_files(proxied, feed):
    _served, client, _folder = proxied
    plain = from_file(client, feed, **{"Accept-Encoding": "identity"})
    browser = from_file(client, feed, **{"Accept": "text/html", "Accept-Encoding": "gzip"})

    assert plain.status_code == browser.status_code == 200
    assert plain.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert browser.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert browser.headers["Content-Encoding"] == "gzip"
    assert browser.content == plain.content
    assert plain.headers["Vary"] == "Accept, Accept-Encoding"
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    assert "Last-Modified" not in plain.headers
    held = {"If-None-Match": plain.headers["ETag"], "Accept-Encoding": "identity"}
    assert from_file(client, feed, **held).status_code == 304
    assert client.head(feed).status_code == 200


def test_private_feeds_stay_out_of_caches(proxied):
    served, client, _folder = proxied
    first = client.get(served.private_feed_url)
    second = from_file(client, served.private_feed_url)

    assert not is_from_file(first)
    assert first.status_code == second.status_code == 200
    assert second.content == first.content
    assert second.headers["Cache-Control"] == "private, max-age=0, must-revalidate"
    assert second.headers["X-Robots-Tag"] == "noindex"


def test_all_else_goes_to_the_application(proxied, feed):
    _served, client, _folder = proxied

    assert client.options(feed).status_code == 204
    assert client.post(feed).status_code == 405
    assert not is_from_file(client.get(feed, params={"_from": "app"}))
    assert client.get(feed, params={"page": 2}).status_code == 404
    assert client.get(feed.replace("/shows/1/", "/shows/999/")).json()["success"] is False
    assert client.get(feed.replace("/feed", "")).status_code == 401


def test_a_change_is_seen_by_the_next_request(proxied, feed):
    served, client, _folder = proxied
    key = {"Authorization": f"Bearer {served.key}"}
    for number in range(5):
        held = from_file(client, feed)
        assert held.status_code == 200
        tag = held.headers["ETag"]
        show = feed.removesuffix("/feed")
        changed = client.patch(show, json={"title": f"Title {number}"}, headers=key)
        assert changed.status_code == 200

        answer = client.get(feed, headers={"If-None-Match": tag})

        assert answer.status_code == 200
        assert f"<title>Title {number}</title>" in answer.text
        # Two changes of one length within a second differ in nginx's own ETag too.
        assert client.get(feed).headers["ETag"] != tag


def test_media_are_sent_by_nginx_and_its_log_says_how_much(proxied, feed):
    served, client, folder = proxied
    url = client.get(feed).text.split('<enclosure url="')[1].split('"')[0]
    whole = client.get(url, follow_redirects=True)
    part = client.get(url, follow_redirects=True, headers={"Range": "bytes=100-199"})
    beyond = client.get(url, follow_redirects=True, headers={"Range": "bytes=999999999-"})

    assert whole.content == served.audio
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert part.status_code == 206
    assert part.content == served.audio[100:200]
    assert beyond.status_code == 416
    for answer in (whole, part):
        assert answer.headers["Content-Type"] == "audio/mpeg"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "X-Accel-Redirect" not in answer.headers
    assert client.head(url, follow_redirects=True).headers["Content-Length"] == str(
        len(served.audio)
    )
    path = httpx.URL(str(whole.url)).path
    lines = [json.loads(line) for line in (folder / "podwright.log").read_text().splitlines()]
    seen = [(line["status"], line["body_bytes_sent"]) for line in lines if line["uri"] == path]
    assert (200, len(served.audio)) in seen
    assert (206, 100) in seen


def test_nobody_reaches_the_files_by_their_internal_address(proxied, feed):
    _served, client, _folder = proxied
    base = feed.partition("/api/")[0]

    for path in ("/protected/audio/x.mp3", "/.feed/api/shows/1/feed", "/.feed/../secret_key"):
        assert client.get(base + path).status_code == 404


def test_the_gzipped_file_is_read_by_gzip(proxied, feed):
    served, client, _folder = proxied
    path = served.data_dir / "public" / "api" / "shows" / "1" / "feed.gz"
    packed = None
    while packed is None:
        from_file(client, feed)
        with suppress(FileNotFoundError):  # taken away once more
            packed = path.read_bytes()

    assert gzip.decompress(packed) == client.get(feed).content
