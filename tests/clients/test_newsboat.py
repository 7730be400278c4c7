"""newsboat and its podboat, real clients for the terminal: reading, downloads, resuming, a move, an end."""

from __future__ import annotations

import os
import pty
import shutil
import sqlite3
import subprocess
import threading
import time
from contextlib import suppress

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("newsboat") and shutil.which("podboat")) and not os.environ.get("CI"),
        reason="newsboat is not installed",
    ),
]

PATIENCE_SECONDS = 150


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / ".newsboat"
    (found / "downloads").mkdir(parents=True)
    (found / "config").write_text(
        f'podcast-auto-enqueue yes\ndownload-path "{found}/downloads/"\ndownload-retries 1\n'
    )
    return found


@pytest.fixture
def reload(run, folder):
    """Reads one feed; gives the titles that newsboat keeps."""

    def reload(feed_url):
        (folder / "urls").write_text(f"{feed_url}\n")
        run("newsboat", "-x", "reload", check=False)
        with sqlite3.connect(folder / "cache.db") as cache:
            rows = cache.execute("SELECT title FROM rss_item ORDER BY pubDate DESC").fetchall()
        cache.close()
        return [title for (title,) in rows]

    return reload


@pytest.fixture
def podboat(environment, folder):
    """Downloads what is in the queue, on a terminal as podboat wants it, until `count` are there.

    It begins by itself with what is new; `keys` are pressed when all but one are there.
    """

    def download(count, keys=b""):
        keyboard, terminal = pty.openpty()
        process = subprocess.Popen(
            ["podboat", "-a"],
            env=environment | {"TERM": "xterm"},
            stdin=terminal,
            stdout=terminal,
            stderr=subprocess.DEVNULL,
        )
        os.close(terminal)
        # A screen that nobody reads stops who draws on it.
        threading.Thread(target=_watch, args=(keyboard,), daemon=True).start()
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while len(files := sorted((folder / "downloads").glob("*.mp3"))) < count:
                assert time.monotonic() < deadline
                if len(files) == count - 1 and keys:
                    os.write(keyboard, keys)
                    keys = b""
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
        return files

    return download


def _watch(screen):
    with suppress(OSError):  # the last one on the terminal has gone
        while os.read(screen, 65_536):
            pass
    os.close(screen)


def test_reads_every_episode(reload, served):
    assert reload(served.feed_url) == served.titles
    assert reload(served.feed_url) == served.titles


def test_downloads_every_episode_whole(reload, podboat, served):
    reload(served.feed_url)

    assert [path.read_bytes() for path in podboat(3)] == [served.audio] * 3


def test_resumes_a_download_that_broke(reload, podboat, folder, served):
    reload(served.feed_url)
    # What a podboat leaves behind that is killed midway.
    (folder / "downloads" / "3.mp3.part").write_bytes(served.audio[:4_000])

    assert [path.read_bytes() for path in podboat(3, b"d")] == [served.audio] * 3
    (resumed,) = [one for one in served.relay.said("/media/") if one.status == 206]
    assert resumed.headers["range"] == "bytes=4000-"


def test_follows_a_feed_that_moved(reload, served):
    assert reload(served.moved_feed_url) == ["Moved"]

    assert served.relay.said("/feeds/")[0].status == 301


def test_keeps_what_it_has_when_a_feed_ended(reload, served, ended_feed_url):
    assert reload(ended_feed_url) == []

    assert {one.status for one in served.relay.exchanges} == {410}
