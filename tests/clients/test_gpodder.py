"""gPodder, a real podcast client: subscribes, updates, downloads."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(
    not shutil.which("gpo") and not os.environ.get("CI"), reason="gpo (gpodder) is not installed"
)


@pytest.fixture
def gpo(tmp_path):
    """Runs gpo with a home of its own."""
    home = tmp_path / "gpodder"
    environment = os.environ | {"HOME": str(tmp_path), "GPODDER_HOME": str(home)}
    environment.pop("PYTHONPATH", None)

    def run(*arguments):
        done = subprocess.run(
            ["gpo", *arguments],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=100,
        )
        return done.stdout

    run.home = home
    return run


@pytest.mark.slow
@pytest.mark.parametrize("which", ["feed_url", "private_feed_url"])
def test_subscribes_updates_and_lists(gpo, served, which):
    url = getattr(served, which)

    gpo("subscribe", url, "Ours")
    gpo("update")

    listed = gpo("episodes", url)
    for title in served.titles if which == "feed_url" else ["Large"]:
        assert title in listed


@pytest.mark.slow
def test_downloads_every_episode_whole(gpo, served):
    gpo("subscribe", served.feed_url, "Ours")
    gpo("update")

    gpo("download")

    downloaded = list((gpo.home / "Downloads").rglob("*.mp3"))
    assert len(downloaded) == 3
    assert all(path.read_bytes() == served.audio for path in downloaded)
