"""gPodder, a real podcast client: subscribes, updates, downloads."""

from __future__ import annotations

import os
import shutil

import pytest

pytestmark = pytest.mark.skipif(
    not shutil.which("gpo") and not os.environ.get("CI"), reason="gpo (gpodder) is not installed"
)


@pytest.fixture
def gpo(run, tmp_path):
    """Runs gpo with a home of its own."""

    def gpo(*arguments):
        return run("gpo", *arguments)

    gpo.downloads = tmp_path / "gpodder" / "Downloads"
    return gpo


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
def test_gets_304_the_second_time(gpo, served):
    gpo("subscribe", served.feed_url, "Ours")
    gpo("update")
    gpo("update")

    assert [one.status for one in served.relay.said("/api/shows/")][-2:] == [304, 304]


@pytest.mark.slow
def test_downloads_every_episode_whole_although_one_download_broke(gpo, served):
    gpo("subscribe", served.feed_url, "Ours")
    served.relay.cut_once("/media/", after=4_000)

    gpo("download")
    gpo("download")

    downloaded = list(gpo.downloads.rglob("*.mp3"))
    assert [path.read_bytes() for path in downloaded] == [served.audio] * 3
    (resumed,) = [one for one in served.relay.said("/media/") if one.status == 206]
    assert resumed.headers["range"] == "bytes=4000-"


@pytest.mark.slow
def test_follows_a_feed_that_moved_and_keeps_its_new_address(gpo, served):
    gpo("subscribe", served.moved_feed_url, "Ours")
    gpo("update")

    assert served.relay.said("/feeds/")[0].status == 301
    assert "/api/shows/" in gpo("list")
    assert "Moved" in gpo("episodes")


@pytest.mark.slow
def test_says_that_a_feed_ended(gpo, served, ending):
    feed_url, end = ending
    gpo("subscribe", feed_url, "Ours")
    end()

    printed = gpo("update")

    assert served.relay.exchanges[-1].status == 410
    assert "unsubscribe" in printed.lower()
