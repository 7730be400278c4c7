"""An episode is as long as was asked for, in real speech, whatever the model makes of its budget."""

from __future__ import annotations

import json

import pytest

from studio.models import Generation
from tests.fakes.model_server import schema_of, well_behaved

# About a model's answers and real speech.
pytestmark = pytest.mark.once

NUMBERS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
PARAGRAPHS = [
    f"In the {number} chamber of the old mill stands a wheel of oak that nobody has turned since. "
    f"Whoever climbs to the {number} chamber hears the water below it, and the wind in the boards."
    for number in NUMBERS
]


@pytest.fixture
def make(owner_client, podcast, work):
    def run(paragraphs):
        text = {"type": "text", "title": "The mill", "content": "\n\n".join(paragraphs)}
        source = owner_client.post("/v1/sources", text, format="json").json()["data"]
        body = {
            "prompt": "Tell of the mill",
            "title": "The mill",
            "source_ids": [source["id"]],
            "options": {"length_minutes": 1},
        }
        path = f"/v1/podcasts/{podcast['id']}/episodes/generate"
        made = owner_client.post(path, body, format="json").json()["data"]
        work()
        shown = owner_client.get(f"/v1/episodes/{made['id']}").json()["data"]
        assert shown["status"] == "draft", shown["error_message"]
        script = owner_client.get(f"/v1/episodes/{made['id']}/script").json()["data"]
        return shown, [one for chapter in script["chapters"] for one in chapter["segments"]]

    return run


def chatty(request):
    """Three times as long as it was asked to be."""
    answer = json.loads(well_behaved(request))
    for _ in range(2):
        answer["turns"] += json.loads(well_behaved(request))["turns"]
    return json.dumps(answer)


def terse(request):
    """One remark, again and again."""
    hosts = schema_of(request)["properties"]["turns"]["items"]["properties"]["host"]["enum"]
    turn = {"host": hosts[0], "text": "There is not much to say of it.", "passages": []}
    return json.dumps({"title": "A chapter", "turns": [turn]})


def test_a_chatty_model_is_cut_at_ends_of_sentences(server, make):
    server.answer = chatty

    shown, segments = make(PARAGRAPHS)

    assert shown["duration"] == pytest.approx(60, rel=0.15)
    assert all(one["text"].endswith(".") for one in segments)
    assert len(server.asked) == 1, "what is too long is cut without asking again"


def test_a_terse_model_is_filled_up_from_what_the_sources_have_left(server, make):
    server.answer = terse

    shown, segments = make(PARAGRAPHS)

    assert shown["duration"] == pytest.approx(60, rel=0.15)
    assert segments[0]["text"] == "There is not much to say of it."
    for one in segments[1:]:
        (passage,) = one["passages"]
        assert one["text"] in passage["text"]
    assert [one["host_id"] for one in segments[:3]] == [*shown["host_ids"], shown["host_ids"][0]]
    assert shown["grounding"] == []
    assert Generation.objects.get().measured_seconds == pytest.approx(60, rel=0.15)


def test_a_terse_model_with_little_to_tell_of_makes_a_short_episode(server, make):
    server.answer = terse

    shown, segments = make(PARAGRAPHS[:1])

    assert 3 < shown["duration"] < 50
    assert len(segments) == 2
