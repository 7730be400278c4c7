"""podcast-archiver, a real client that keeps whole shows: downloads, follows a move, sees an end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = str(Path(sys.executable).with_name("podcast-archiver"))


@pytest.fixture
def archive(run, tmp_path):
    """Archives one feed; gives the audio files that are there afterwards."""
    folder = tmp_path / "archive"
    folder.mkdir()

    def archive(feed_url):
        run(PROGRAM, "--feed", feed_url, "--dir", str(folder))
        return sorted(folder.rglob("*.mp3"))

    return archive


def test_downloads_every_episode_whole_and_only_once(archive, served):
    first = archive(served.feed_url)
    again = archive(served.feed_url)

    assert first == again
    assert [path.read_bytes() for path in first] == [served.audio] * 3
    assert len([one for one in served.relay.said("/media/") if one.method == "GET"]) == 3


def test_has_the_whole_file_after_a_download_that_broke(archive, served):
    served.relay.cut_once("/media/", after=4_000)

    assert len(archive(served.feed_url)) == 2
    assert [path.read_bytes() for path in archive(served.feed_url)] == [served.audio] * 3


def test_follows_a_feed_that_moved(archive, served):
    assert [path.read_bytes() for path in archive(served.moved_feed_url)] == [served.audio]

    assert served.relay.said("/feeds/")[0].status == 301


def test_gets_nothing_from_a_feed_that_ended(archive, served, ended_feed_url):
    assert archive(ended_feed_url) == []

    assert {one.status for one in served.relay.exchanges} == {410}
