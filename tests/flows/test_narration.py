"""The main job with the real voice: a text or an article goes in, a feed with its audio comes out."""

from __future__ import annotations

import json

import pytest
import webvtt

from config.env import BASE_DIR
from tests.fakes.web_server import WebServer, answer
from tests.flows.narrating import Client, Heard, fetch
from tests.flows.running import (
    RunningUp,
    end,
    environment_of,
    kill_if_there,
    living,
    run_manage,
    started_up,
    wait_until,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]

RAILWAY = (BASE_DIR / "bench/texts/railway.txt").read_text(encoding="utf-8")
TEXT = f"# The line\n\n{RAILWAY}\n\n# The lesson\n\n{RAILWAY}"
PODCAST = "{https://podcastindex.org/namespace/1.0}"


@pytest.fixture
def voiced(tmp_path, services):
    """A running Podwright with the real voice."""
    with started_up(tmp_path, {**services, "TTS_ENGINE": "hibari"}) as running:
        yield running


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Of a Podwright with the real voice, allowed to fetch from this machine."""
    settings = {"TTS_ENGINE": "hibari", "OUTBOUND_ALLOW": "127.0.0.0/8"}
    with started_up(tmp_path_factory.mktemp("reading"), settings) as running:
        yield Client.of(running)


@pytest.mark.once
class TestReading:
    def test_makes_of_a_text_an_episode_that_sounds_as_it_should(self, client: Client):
        public_id = client.narrate(source_type="text", title="Weekly notes", author="Jo", text=TEXT)
        episode = client.wait_for(public_id)

        assert episode["status"] == "complete", episode["error_message"]
        assert episode["title"] == "Weekly notes"
        heard = Heard.at(episode["audio_url"])
        assert heard.seconds == pytest.approx(episode["duration_seconds"], abs=1)
        assert heard.loudness == pytest.approx(-16, abs=1)
        assert heard.longest_silence < 3
        assert heard.tags["TIT2"].text == ["Weekly notes"]
        assert heard.chapter_titles[-2:] == ["The line", "The lesson"]
        self._assert_in_feed(client, episode, heard)

    def _assert_in_feed(self, client: Client, episode: dict, heard: Heard) -> None:
        (item,) = (
            one for one in client.feed().iter("item") if one.find("title").text == "Weekly notes"
        )
        enclosure = item.find("enclosure")
        assert int(enclosure.get("length")) == len(heard.content)
        assert fetch(enclosure.get("url")) == heard.content
        transcripts = {
            found.get("type"): found.get("url") for found in item.iter(f"{PODCAST}transcript")
        }
        cues = webvtt.from_string(fetch(transcripts["text/vtt"]).decode()).captions
        starts = [cue.start_in_seconds for cue in cues]
        assert starts == sorted(starts)
        assert cues[-1].end_in_seconds <= heard.seconds
        shown = " ".join(" ".join(cue.text.split()) for cue in cues)
        for sentence in (
            "nobody who walked it that winter",
            "$2.4 million",
            "the train can carry.",
        ):
            assert shown.count(sentence) == 2
        chapters = json.loads(fetch(item.find(f"{PODCAST}chapters").get("url")))["chapters"]
        assert [chapter["title"] for chapter in chapters] == heard.chapter_titles

    def test_fetches_an_article(self, client: Client):
        paragraphs = "".join(f"<p>{part}</p>" for part in RAILWAY.split("\n\n"))
        page = (
            "<!doctype html><html lang=en><head><title>The bridge that was bought four times"
            '</title><meta name="author" content="Ada Harrow"><meta name="description" '
            'content="How a coast got its railway."></head><body><nav>Home About Subscribe</nav>'
            f"<article><h1>The bridge that was bought four times</h1>{paragraphs}</article>"
            "<footer>All rights reserved.</footer></body></html>"
        )
        with WebServer() as server:
            server.routes["/railway"] = answer(page.encode())

            public_id = client.narrate(source_type="url", url=server.url("/railway?utm_source=x"))
            episode = client.wait_for(public_id)

        assert episode["status"] == "complete", episode["error_message"]
        assert episode["title"] == "The bridge that was bought four times"
        assert episode["author"] == "Ada Harrow"
        assert episode["source_url"] == server.url("/railway")
        assert Heard.at(episode["audio_url"]).seconds > 60


class TestKilled:
    """`kill -9` in the middle of a production: it completes once, and nothing is rendered twice."""

    # Every paragraph differs, so that no sentence of one is in the cache because of another.
    LONG = "\n\n".join(
        part.replace(". ", f", said witness {number}. ")
        for number in range(5)
        for part in RAILWAY.split("\n\n")
    )

    def test_worker_clock_and_web_come_back_and_finish_it_once(self, voiced: RunningUp):
        client = Client.of(voiced)
        public_id = client.narrate(source_type="text", title="Long", text=self.LONG)
        cached = self._wait_until_half_way(voiced)

        for name in ("worker", "clock", "web"):
            kill_if_there(voiced.child(name))

        wait_until(voiced.answers)
        self._assert_finished_once(client, public_id, cached, voiced)

    @pytest.mark.once
    def test_the_whole_tree_is_started_again_and_finishes_it_once(
        self, tmp_path, services, voiced: RunningUp
    ):
        client = Client.of(voiced)
        public_id = client.narrate(source_type="text", title="Long", text=self.LONG)
        cached = self._wait_until_half_way(voiced)

        family = voiced.family()
        kill_if_there(voiced.process)
        voiced.process.wait()
        wait_until(lambda: not living(family))

        settings = {**services, "TTS_ENGINE": "hibari"}
        with started_up(tmp_path, settings, voiced.port) as again:
            self._assert_finished_once(client, public_id, cached, again)
            end(again.process)

    def _wait_until_half_way(self, running: RunningUp) -> int:
        """Wait until many sentences are rendered; how many were."""
        folder = running.output.parent / "var" / "cache" / "sentences"

        def cached() -> int:
            # Not what is being written, which may never be whole.
            return sum(1 for path in folder.glob("??/*") if path.suffix != ".part")

        wait_until(lambda: cached() >= 30, every=0.02)
        return cached()

    def _assert_finished_once(
        self, client: Client, public_id: str, cached: int, running: RunningUp
    ) -> None:
        episode = client.wait_for(public_id, seconds=500)
        assert episode["status"] == "complete", episode["error_message"]
        assert client.call("GET", "/api/v1/episodes")["meta"]["total"] == 1
        assert len(list(client.feed().iter("item"))) == 1
        row = self._production(running)
        assert row["attempts"] == 2
        assert row["sentences_rendered"] <= row["sentences_total"] - cached

    def _production(self, running: RunningUp) -> dict[str, int]:
        code = (
            "import json; from production.models import Production as P; print('ROW', json.dumps("
            "P.objects.values('attempts', 'sentences_rendered', 'sentences_total').get()))"
        )
        environment = environment_of(
            running.output.parent / "var", running.port, **running.settings
        )
        printed = run_manage("shell", "-c", code, environment=environment).stdout
        row = next(line for line in printed.splitlines() if line.startswith("ROW "))
        return dict(json.loads(row.removeprefix("ROW ")))
