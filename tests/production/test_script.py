from __future__ import annotations

import copy
import json

import pytest

from production.script import Chapter, LeftOut, Script, ScriptInvalid, Segment, Sentence


def a_script():
    return Script(
        language="en-US",
        chapters=(
            Chapter(
                "",
                (
                    Segment(
                        "Ann", "heart", (Sentence("It is 5.", "It is five.", paragraph_end=True),)
                    ),
                ),
            ),
            Chapter(
                "Second",
                (
                    Segment("Ann", "heart", (Sentence("Hi.", "Hi."), Sentence("Go on.", "Go on."))),
                    Segment("Bob", "joe", (Sentence("Yes.", "Yes."),)),
                ),
            ),
        ),
        left_out=(LeftOut("code", "x = 1"),),
    )


class TestScript:
    def test_survives_the_way_through_json(self):
        script = a_script()

        read = Script.from_json(json.loads(json.dumps(script.to_json())))

        assert read == script

    def test_numbers_sentences_and_turns_through_the_whole_script(self):
        placed = list(a_script().sentences())

        assert [one.index for one in placed] == [0, 1, 2, 3]
        assert [one.chapter for one in placed] == [0, 1, 1, 1]
        assert [one.segment for one in placed] == [0, 1, 1, 2]
        assert placed[3].speaker == "Bob"
        assert placed[3].chapter_title == "Second"

    def test_counts(self):
        script = a_script()

        assert script.sentence_count() == 4
        assert script.word_count() == 7
        assert script.character_count() == len("It is 5.Hi.Go on.Yes.")
        assert script.voices() == ("heart", "joe")
        assert script.speakers() == ("Ann", "Bob")

    def test_needs_a_chapter(self):
        with pytest.raises(ScriptInvalid) as caught:
            Script("en", ()).validate()

        assert caught.value.field == "chapters"


def changed(path, value):
    data = copy.deepcopy(a_script().to_json())
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return data


class TestReadingAScriptThatIsWrong:
    @pytest.mark.parametrize(
        ("path", "value", "field"),
        [
            (["version"], 2, "version"),
            (["version"], True, "version"),
            (["language"], None, "language"),
            (["language"], " ", "language"),
            (["chapters"], {}, "chapters"),
            (["chapters"], "text", "chapters"),
            (["chapters", 1], 5, "chapters[1]"),
            (["chapters", 1, "title"], None, "chapters[1].title"),
            (["chapters", 1, "segments"], [], "chapters[1]"),
            (["chapters", 1, "segments", 1, "voice"], "", "chapters[1].segments[1].voice"),
            (["chapters", 1, "segments", 1, "sentences"], [], "chapters[1].segments[1]"),
            (
                ["chapters", 0, "segments", 0, "sentences", 0, "text"],
                " ",
                "chapters[0].segments[0].sentences[0].text",
            ),
            (
                ["chapters", 0, "segments", 0, "sentences", 0, "spoken"],
                "— 😀",
                "chapters[0].segments[0].sentences[0].spoken",
            ),
            (
                ["chapters", 0, "segments", 0, "sentences", 0, "paragraph_end"],
                "yes",
                "chapters[0].segments[0].sentences[0].paragraph_end",
            ),
            (["left_out", 0, "kind"], 3, "left_out[0].kind"),
        ],
    )
    def test_names_the_place(self, path, value, field):
        with pytest.raises(ScriptInvalid) as caught:
            Script.from_json(changed(path, value))

        assert caught.value.field == field
        assert caught.value.code == "script_invalid"

    @pytest.mark.parametrize("data", [None, [], "script", 5, {}])
    def test_refuses_other_shapes(self, data):
        with pytest.raises(ScriptInvalid):
            Script.from_json(data)
