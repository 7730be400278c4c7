"""poca, a real client for the command line: 304, downloads, a move that it writes down, an end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = str(Path(sys.executable).with_name("poca"))
CONFIGURATION = """<poca version="1.1">
  <settings>
    <base_dir>{folder}</base_dir>
    <filenames>permissive</filenames>
    <id3v2version>4</id3v2version>
    <id3removev1>yes</id3removev1>
  </settings>
  <defaults/>
  <subscriptions>
    <subscription><title>Ours</title><url>{feed_url}</url></subscription>
  </subscriptions>
</poca>
"""


@pytest.fixture
def poca(run, tmp_path):
    """Updates the one subscription; gives what it printed and the audio files that are there."""
    folder = tmp_path / "poca"
    folder.mkdir()
    configuration = folder / "poca.xml"

    def update(feed_url):
        if not configuration.exists():
            configuration.write_text(CONFIGURATION.format(folder=folder, feed_url=feed_url))
        printed = run(PROGRAM, "--verbose", "--config", str(folder))
        return printed, sorted((folder / "Ours").glob("*.mp3"))

    update.configuration = configuration
    return update


def test_downloads_every_episode_whole_and_then_gets_304(poca, served):
    _, files = poca(served.feed_url)
    poca(served.feed_url)

    assert [path.read_bytes() for path in files] == [served.audio] * 3
    assert [one.status for one in served.relay.said("/api/shows/")] == [200, 304]


def test_has_the_whole_file_after_a_download_that_broke(poca, served):
    served.relay.cut_once("/media/", after=4_000)

    _, files = poca(served.feed_url)
    assert [path.stat().st_size for path in files].count(len(served.audio)) == 2
    _, files = poca(served.feed_url)

    # It tries other names for the one that broke, and leaves an empty file behind.
    assert [data for path in files if (data := path.read_bytes())] == [served.audio] * 3


def test_writes_down_where_a_feed_moved(poca, served):
    poca(served.moved_feed_url)

    assert served.relay.said("/feeds/")[0].status == 301
    assert "/feeds/" not in poca.configuration.read_text()

    _, files = poca(served.moved_feed_url)
    assert [path.read_bytes() for path in files] == [served.audio]


def test_tells_of_a_feed_that_ended(poca, served, ended_feed_url):
    printed, files = poca(ended_feed_url)

    assert {one.status for one in served.relay.exchanges} == {410}
    assert files == []
    assert printed.startswith("OURS.")  # it says so of a feed that it could not read
