"""The feed as other people's parsers read it: podcastparser, feedparser, podcast-partytime."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import feedparser
import httpx
import podcastparser
import pytest

NODE = Path(__file__).parent / "node"

needs_partytime = pytest.mark.skipif(
    not (shutil.which("node") and (NODE / "node_modules").is_dir()) and not os.environ.get("CI"),
    reason="node or its packages are not installed (npm ci in tests/clients/node)",
)


class TestPodcastparser:
    @pytest.fixture
    def feed(self, served):
        content = httpx.get(served.feed_url, timeout=60).content
        return podcastparser.parse(served.feed_url, io.BytesIO(content))

    def test_reads_the_show(self, feed):
        assert feed["title"] == "Daily AI Briefing"
        assert feed["cover_url"] == "https://cdn.example.com/cover.jpg"
        assert feed["itunes_categories"] == [["Arts", "Books"]]
        assert feed["explicit"] is False
        assert feed["itunes_author"] == "AI News Bot"

    def test_reads_the_episodes(self, feed, served):
        episodes = feed["episodes"]

        assert [episode["title"] for episode in episodes] == served.titles
        assert len({episode["guid"] for episode in episodes}) == 3
        for episode in episodes:
            (enclosure,) = episode["enclosures"]
            assert enclosure["file_size"] == len(served.audio)
            assert enclosure["mime_type"] == "audio/mpeg"
            assert enclosure["url"].endswith(".mp3")
            assert episode["published"] > 0
            assert episode["total_time"] == 61
            assert [chapter["title"] for chapter in episode["chapters"]] == [
                "Intro",
                "Costs & gains",
            ]
            assert 'href="https://example.com/?a=1&amp;b=2"' in episode["description_html"]


class TestFeedparser:
    def test_reads_it_without_complaint(self, served):
        feed = feedparser.parse(served.feed_url)

        assert not feed.bozo
        assert feed.status == 200
        assert [entry.title for entry in feed.entries] == served.titles
        assert all(entry.published_parsed for entry in feed.entries)
        assert all(entry.enclosures[0].length == str(len(served.audio)) for entry in feed.entries)

    def test_gets_304_the_second_time(self, served):
        first = feedparser.parse(served.feed_url)

        again = feedparser.parse(served.feed_url, etag=first.etag, modified=first.get("modified"))

        assert again.status == 304

    def test_reads_a_private_feed(self, served):
        feed = feedparser.parse(served.private_feed_url)

        assert not feed.bozo
        assert [entry.title for entry in feed.entries] == ["Large"]


@needs_partytime
class TestPartytime:
    def test_reads_all_that_podcast_index_knows(self, served):
        answer = subprocess.run(
            ["node", "facts.mjs", served.feed_url],
            cwd=NODE,
            check=True,
            capture_output=True,
            text=True,
        )
        feed = json.loads(answer.stdout.splitlines()[-1])

        assert feed["title"] == "Daily AI Briefing"
        assert feed["guid"][14] == "5"
        assert feed["medium"] == "podcast"
        assert feed["explicit"] is False
        assert [item["title"] for item in feed["items"]] == served.titles
        for item in feed["items"]:
            assert item["enclosure"]["length"] == len(served.audio)
            assert item["duration"] == 61
            assert item["chapters"]["type"] == "application/json+chapters"
            assert [transcript["type"] for transcript in item["transcripts"]] == [
                "text/vtt",
                "application/srt",  # its own name for application/x-subrip
                "application/json",
                "text/html",
            ]
        # It takes podcast:locked for supported only with an owner's e-mail, which a feed never shows.
        supported = {tag for tags in feed["support"].values() for tag in tags}
        assert {"guid", "medium", "transcript", "chapters", "txt"} <= supported
