"""podget, a real client made of wget: downloads, resumes, follows a move, notes an end."""

from __future__ import annotations

import os
import shutil

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("podget") and not os.environ.get("CI"), reason="podget is not installed"
    ),
]


@pytest.fixture
def podget(run, tmp_path):
    """Fetches one feed; gives the audio files that are there afterwards."""
    folder, library = tmp_path / "podget", tmp_path / "library"
    folder.mkdir()
    library.mkdir()
    configuration = folder / "podgetrc"
    run("podget", "--dir_config", str(folder), "--create-config", configuration.name)
    with configuration.open("a") as file:
        file.write(
            f'DIR_LIBRARY="{library}"\nDIR_LOG="{folder}"\nMIN_SPACE=0\n'
            'WGET_BASEOPTS="-c -nH --waitretry=1"\n'
        )

    def fetch(feed_url):
        (folder / "serverlist").write_text(f"{feed_url} News Ours\n")
        run("podget", "--dir_config", str(folder), check=False)
        return sorted(library.rglob("*.mp3"))

    fetch.failures = folder / "errors"
    return fetch


def test_downloads_every_episode_whole_and_only_once(podget, served):
    first = podget(served.feed_url)
    again = podget(served.feed_url)

    assert first == again
    assert [path.read_bytes() for path in first] == [served.audio] * 3
    assert len(served.relay.said("/media/")) == 3


def test_resumes_a_download_that_broke(podget, served):
    served.relay.cut_once("/media/", after=4_000)

    files = podget(served.feed_url)

    assert [path.read_bytes() for path in files] == [served.audio] * 3
    (resumed,) = [one for one in served.relay.said("/media/") if one.status == 206]
    assert resumed.headers["range"] == "bytes=4000-"


def test_follows_a_feed_that_moved(podget, served):
    assert [path.read_bytes() for path in podget(served.moved_feed_url)] == [served.audio]

    assert served.relay.said("/feeds/")[0].status == 301


def test_notes_a_feed_that_ended(podget, served, ended_feed_url):
    assert podget(ended_feed_url) == []

    assert {one.status for one in served.relay.exchanges} == {410}
    assert ended_feed_url in podget.failures.read_text()
