from __future__ import annotations

import copy
import json
import math

import pytest

from production.script import Chapter, Script, Segment, Sentence
from production.timeline import (
    Placement,
    TimedChapter,
    TimedWord,
    Timeline,
    TimelineInvalid,
    build_timeline,
)

RATE = 1000


def a_script():
    return Script(
        "en",
        (
            Chapter("", (Segment("Ann", "v", (Sentence("One.", "One.", paragraph_end=True),)),)),
            Chapter(
                "Two",
                (
                    Segment("Ann", "v", (Sentence("Two.", "Two."),)),
                    Segment(
                        "Bob", "w", (Sentence("Three four.", "Three four.", paragraph_end=True),)
                    ),
                ),
            ),
        ),
    )


def placements():
    return [
        Placement(300, 1300),
        Placement(2500, 3000),
        Placement(3500, 5000, (TimedWord("Three", 3.5, 4.0), TimedWord("four.", 4.0, 5.0))),
    ]


def a_timeline():
    return build_timeline(a_script(), placements(), 5.8, sample_rate=RATE)


class TestBuildTimeline:
    def test_turns_samples_into_seconds(self):
        timeline = a_timeline()

        assert [(one.start, one.end) for one in timeline.sentences] == [
            (0.3, 1.3),
            (2.5, 3.0),
            (3.5, 5.0),
        ]
        assert [one.speaker for one in timeline.sentences] == ["Ann", "Ann", "Bob"]
        assert [one.chapter for one in timeline.sentences] == [0, 1, 1]
        assert [one.segment for one in timeline.sentences] == [0, 1, 2]
        assert [one.paragraph_end for one in timeline.sentences] == [True, False, True]
        assert timeline.sentences[2].words[1].text == "four."

    def test_covers_the_audio_with_chapters(self):
        assert a_timeline().chapters == (
            TimedChapter("", 0.0, 2.5),
            TimedChapter("Two", 2.5, 5.8),
        )

    def test_survives_the_way_through_json(self):
        timeline = a_timeline()

        assert Timeline.from_json(json.loads(json.dumps(timeline.to_json()))) == timeline

    def test_refuses_another_number_of_placements(self):
        with pytest.raises(TimelineInvalid, match="3 sentences, but 2"):
            build_timeline(a_script(), placements()[:2], 5.8, sample_rate=RATE)

    @pytest.mark.parametrize(
        ("position", "placement", "field"),
        [
            (1, Placement(1200, 1400), "sentences[1]"),
            (1, Placement(3000, 2600), "sentences[1]"),
            (2, Placement(3500, 5900), "sentences[2]"),
            (0, Placement(-5, 100), "sentences[0]"),
            (0, Placement(300, 1300, (TimedWord("One.", 1.0, 1.5),)), "sentences[0].words[0]"),
            (
                2,
                Placement(3500, 5000, (TimedWord("a", 4, 4.5), TimedWord("b", 4.2, 4.6))),
                "sentences[2].words[1]",
            ),
        ],
    )
    def test_refuses_placements_out_of_order_or_place(self, position, placement, field):
        placed = placements()
        placed[position] = placement

        with pytest.raises(TimelineInvalid) as caught:
            build_timeline(a_script(), placed, 5.8, sample_rate=RATE)

        assert caught.value.field == field

    @pytest.mark.parametrize(
        ("duration", "rate"), [(0, RATE), (-1, RATE), (math.nan, RATE), (math.inf, RATE), (5.8, 0)]
    )
    def test_refuses_impossible_measures(self, duration, rate):
        with pytest.raises(TimelineInvalid):
            build_timeline(a_script(), placements(), duration, sample_rate=rate)


class TestReadingATimelineThatIsWrong:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (["version"], 9),
            (["duration"], "5"),
            (["duration"], True),
            (["duration"], 10**400),
            (["duration"], 4.0),
            (["language"], None),
            (["sentences"], None),
            (["sentences", 0], 1),
            (["sentences", 0, "index"], 5),
            (["sentences", 0, "index"], 1.5),
            (["sentences", 2, "chapter"], 7),
            (["sentences", 2, "chapter"], 0),
            (["sentences", 1, "start"], math.nan),
            (["sentences", 2, "words", 0], ["a", 1]),
            (["sentences", 2, "words", 0], ["a", "b", "c"]),
            (["sentences", 0, "text"], 5),
            (["chapters", 1, "start"], 1.0),
        ],
    )
    def test_is_refused(self, path, value):
        data = copy.deepcopy(a_timeline().to_json())
        place = data
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

        with pytest.raises(TimelineInvalid):
            Timeline.from_json(data)

    @pytest.mark.parametrize("data", [None, [], "x", {}])
    def test_of_another_shape_is_refused(self, data):
        with pytest.raises(TimelineInvalid):
            Timeline.from_json(data)
