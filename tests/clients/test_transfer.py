"""HTTP as the real web server speaks it: HEAD, 304, gzip, ranges, resuming, slow listeners."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from urllib.parse import urlsplit

import httpx
import psutil
import pytest


def enclosure(served):
    feed = httpx.get(served.feed_url, timeout=60).text
    return feed.split('<enclosure url="')[1].split('"')[0]


class TestFeed:
    def test_head_has_the_length_of_get_and_no_body(self, served):
        for encoding in ("gzip", "identity"):
            headers = {"Accept-Encoding": encoding}
            with httpx.stream("GET", served.feed_url, headers=headers, timeout=60) as got:
                length = len(b"".join(got.iter_raw()))

            head = httpx.head(served.feed_url, headers=headers, timeout=60)

            assert head.status_code == 200
            assert head.headers["Content-Length"] == str(length)
            assert head.headers["ETag"] == got.headers["ETag"]

    def test_a_connection_goes_on_after_a_304(self, served):
        with httpx.Client(timeout=60) as client:
            tag = client.get(served.feed_url).headers["ETag"]
            for _ in range(3):
                answer = client.get(served.feed_url, headers={"If-None-Match": tag})
                assert answer.status_code == 304
                assert "Content-Type" not in answer.headers
            assert client.get(served.feed_url).status_code == 200


class TestAudio:
    def test_is_one_redirect_away_with_ranges_and_head(self, served):
        url = enclosure(served)
        with httpx.Client(follow_redirects=True, timeout=60) as client:
            head = client.head(url)
            part = client.get(url, headers={"Range": "bytes=100-199"})

        assert len(part.history) == 1
        assert head.headers["Content-Length"] == str(len(served.audio))
        assert head.headers["Accept-Ranges"] == "bytes"
        assert part.status_code == 206
        assert part.content == served.audio[100:200]

    @pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
    def test_is_whole_after_resuming(self, served, tmp_path):
        file = tmp_path / "episode.mp3"
        file.write_bytes(served.audio[:4_000])

        subprocess.run(
            ["curl", "-sS", "--fail", "-L", "-C", "-", "-o", str(file), enclosure(served)],
            check=True,
        )

        assert file.read_bytes() == served.audio

    def test_is_not_held_in_memory_for_a_slow_listener(self, served):
        url = urlsplit(served.large_url)
        before = memory_of(served.pid)
        with socket.create_connection((url.hostname, url.port)) as listener:
            listener.sendall(f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
            listener.recv(1_000)
            # Never reads on: what the server has read ahead stays with the server.
            time.sleep(1.5)
            after = memory_of(served.pid)

        assert after - before < 60_000_000

    def test_is_whole_however_large(self, served):
        before = memory_of(served.pid)
        received = 0
        with httpx.stream("GET", served.large_url, timeout=60) as answer:
            for piece in answer.iter_raw():
                received += len(piece)

        assert received == served.large_bytes
        assert memory_of(served.pid) - before < 60_000_000


def memory_of(pid):
    """Resident bytes of the server with its workers."""
    process = psutil.Process(pid)
    return sum(found.memory_info().rss for found in [process, *process.children(recursive=True)])
