from __future__ import annotations

import io
import json
from itertools import pairwise

import pytest
import webvtt
from lxml import etree

from production.cues import LINE_WIDTH
from production.timeline import TimedChapter, TimedSentence, TimedWord, Timeline
from production.transcripts import to_html, to_json, to_srt, to_vtt

LONG = (
    "This sentence is a great deal longer than what fits into two lines of a caption, so it is "
    "shown in several pieces, each in its own time, and none of its words may be lost."
)
TEXTS = [
    ("Ann", "Hello there."),
    ("Ann", LONG),
    ("Bob & <Co>", "Is 3 < 4 --> 2 & more?"),
    ("Ann", "x" * 200),
    ("", "No one says this."),
]


def a_timeline(texts=TEXTS, *, length=10.0, pause=0.35):
    sentences = []
    start = 0.3
    turn = 0
    for index, (speaker, text) in enumerate(texts):
        if sentences and sentences[-1].speaker != speaker:
            turn += 1
        sentences.append(
            TimedSentence(index, 0, turn, speaker, text, start, start + length, (), index == 0)
        )
        start += length + pause
    duration = start + 1
    timeline = Timeline(duration, "en", tuple(sentences), (TimedChapter("", 0.0, duration),))
    timeline.validate()
    return timeline


def packed(text):
    return "".join(text.split())


def seconds(stamp):
    hours, minutes, rest = stamp.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


class TestToVtt:
    def test_covers_every_sentence_in_order(self):
        captions = webvtt.from_string(to_vtt(a_timeline())).captions

        plain = packed("".join(caption.text for caption in captions))
        assert plain == packed("".join(text for _speaker, text in TEXTS)).replace(
            "<", "&lt;"
        ).replace(">", "&gt;").replace("&m", "&amp;m")

    def test_keeps_cues_ordered_apart_and_inside_the_audio(self):
        timeline = a_timeline()

        captions = webvtt.from_string(to_vtt(timeline)).captions

        previous = 0.0
        for caption in captions:
            assert previous <= seconds(caption.start) < seconds(caption.end)
            previous = seconds(caption.end)
        assert previous <= timeline.duration

    def test_keeps_each_sentence_in_its_own_time(self):
        timeline = a_timeline()

        captions = webvtt.from_string(to_vtt(timeline)).captions

        for sentence in timeline.sentences:
            inside = [
                one
                for one in captions
                if sentence.start - 0.001 <= seconds(one.start)
                and seconds(one.end) <= sentence.end + 0.001
            ]
            assert seconds(inside[0].start) == pytest.approx(sentence.start, abs=0.001)
            assert seconds(inside[-1].end) == pytest.approx(sentence.end, abs=0.001)

    def test_shows_two_lines_of_readable_length(self):
        for caption in webvtt.from_string(to_vtt(a_timeline())).captions:
            lines = caption.text.replace("&lt;", "<").replace("&gt;", ">").split("\n")
            assert len(lines) <= 2
            assert max(map(len, lines)) <= LINE_WIDTH + len("&amp;")

    def test_names_the_speaker_in_a_voice_tag(self):
        voices = [one.voice for one in webvtt.from_string(to_vtt(a_timeline())).captions]

        assert voices[0] == "Ann"
        assert "Bob &amp; Co" in voices
        assert voices[-1] is None

    def test_follows_the_words_where_their_times_are_known(self):
        words = tuple(
            TimedWord(word, 0.3 + number * 0.1, 0.4 + number * 0.1)
            for number, word in enumerate(LONG.split())
        )
        sentence = TimedSentence(0, 0, 0, "Ann", LONG, 0.3, 10.0, words)
        timeline = Timeline(11.0, "en", (sentence,), (TimedChapter("", 0.0, 11.0),))

        first = webvtt.from_string(to_vtt(timeline)).captions[0]

        spoken = len(first.text.split())
        assert seconds(first.end) == pytest.approx(words[spoken - 1].end, abs=0.001)

    def test_of_nothing_is_still_a_file(self):
        timeline = Timeline(1.0, "en", (), ())

        assert to_vtt(timeline) == "WEBVTT\n"
        assert to_srt(timeline) == ""

    def test_survives_sentences_shorter_than_a_millisecond(self):
        timeline = a_timeline([("A", LONG)] * 5, length=0.0001, pause=0.0)

        captions = webvtt.from_string(to_vtt(timeline)).captions

        assert packed("".join(one.text for one in captions)) == packed(LONG * 5)
        for before, after in pairwise(captions):
            assert seconds(before.end) <= seconds(after.start)


class TestToSrt:
    def test_is_read_as_subrip_with_the_same_times_as_vtt(self):
        timeline = a_timeline()

        srt = webvtt.from_buffer(io.StringIO(to_srt(timeline)), format="srt").captions
        vtt = webvtt.from_string(to_vtt(timeline)).captions

        assert [(one.start, one.end) for one in srt] == [(one.start, one.end) for one in vtt]

    def test_names_speakers_at_each_turn_when_there_are_several(self):
        texts = [one.text for one in webvtt.from_buffer(
            io.StringIO(to_srt(a_timeline())), format="srt"
        ).captions]  # fmt: skip

        assert texts[0] == "Ann: Hello there."
        assert texts[1].startswith("This sentence")
        assert "\nBob & <Co>: Is 3 < 4 -> 2 & more?\n" in to_srt(a_timeline())

    def test_names_nobody_when_one_voice_reads(self):
        assert "Ann" not in to_srt(a_timeline(TEXTS[:2]))


class TestToJson:
    def test_has_a_segment_a_sentence(self):
        document = json.loads(to_json(a_timeline()))

        assert document["version"] == "1.0.0"
        assert [one["body"] for one in document["segments"]] == [text for _who, text in TEXTS]
        assert document["segments"][0] == {
            "speaker": "Ann",
            "startTime": 0.3,
            "endTime": 10.3,
            "body": "Hello there.",
        }

    def test_has_a_segment_a_word_where_times_are_known(self):
        words = (TimedWord("Hello", 0.0, 0.5), TimedWord("you.", 0.5, 1.0))
        sentence = TimedSentence(0, 0, 0, "Ann", "Hello you.", 0.0, 1.0, words)
        timeline = Timeline(1.0, "en", (sentence,), (TimedChapter("", 0.0, 1.0),))

        segments = json.loads(to_json(timeline))["segments"]

        assert [(one["body"], one["startTime"], one["endTime"]) for one in segments] == [
            ("Hello", 0.0, 0.5),
            ("you.", 0.5, 1.0),
        ]


class TestToHtml:
    def test_is_well_formed_with_all_text_escaped(self):
        tree = etree.fromstring(f"<div>{to_html(a_timeline())}</div>")

        assert [one.text for one in tree.iter("cite")] == ["Ann:", "Bob & <Co>:", "Ann:"]
        assert [one.text for one in tree.iter("p")] == [text for _who, text in TEXTS]
        assert [one.text for one in tree.iter("time")] == ["0:00", "0:10", "0:21", "0:31", "0:41"]

    def test_joins_the_sentences_of_a_paragraph(self):
        timeline = a_timeline([("Ann", "One."), ("Ann", "Two."), ("Ann", "Three.")])

        tree = etree.fromstring(f"<div>{to_html(timeline)}</div>")

        assert [one.text for one in tree.iter("p")] == ["One.", "Two. Three."]

    def test_shows_hours_when_there_are_any(self):
        timeline = a_timeline([("A", "One."), ("A", "Two.")], length=3700.0)

        assert "<time>1:01:40</time>" in to_html(timeline)
