from __future__ import annotations

import pytest

from production.composing import LONGEST_SPOKEN, NothingToRead, compose_script
from production.document import Block, Document, document_from_text
from production.script import LeftOut, Script


def compose(text, **options):
    return compose_script(document_from_text(text), voice="heart", speaker="Heart", **options)


def shown(script):
    return [
        (chapter.title, [one.text for segment in chapter.segments for one in segment.sentences])
        for chapter in script.chapters
    ]


class TestComposeScript:
    def test_opens_with_title_and_author_and_parts_chapters_at_headings(self):
        script = compose(
            "Dr. Who came. He left.\n\n## One\n\nText.\n\n### Deep\n\nMore.\n\n# Two\n\nEnd.",
            title="My  story",
            author="Ann Lee",
        )

        assert shown(script) == [
            ("My story", ["My story, by Ann Lee.", "Dr. Who came.", "He left."]),
            ("One", ["One", "Text.", "Deep", "More."]),
            ("Two", ["Two", "End."]),
        ]

    def test_ends_paragraphs_and_headings(self):
        script = compose("One. Two.\n\n# Head\n\nThree.")

        ends = [one.sentence.paragraph_end for one in script.sentences()]
        assert ends == [False, True, True, True]

    def test_gives_the_voice_words_and_a_falling_end(self):
        script = compose("## Chapter IV\n\n- 5 km")

        assert [one.sentence.spoken for one in script.sentences()] == [
            "Chapter four.",
            "five kilometers.",
        ]
        assert [one.sentence.text for one in script.sentences()] == ["Chapter IV", "5 km"]

    def test_has_an_untitled_opening_without_a_title(self):
        assert shown(compose("Text.\n\n# Head\n\nMore.")) == [
            ("", ["Text."]),
            ("Head", ["Head", "More."]),
        ]

    def test_reads_a_title_that_is_also_the_first_heading_once(self):
        assert shown(compose("# My story\n\nText.", title="My Story")) == [
            ("My Story", ["My Story", "Text."])
        ]

    def test_uses_deeper_headings_when_there_are_no_others(self):
        titles = [title for title, _texts in shown(compose("#### A\n\nx\n\n#### B\n\ny"))]

        assert titles == ["A", "B"]

    def test_closes_a_title_that_asks_before_its_author(self):
        assert shown(compose("Text.", title="Why?", author="Ann"))[0][1] == [
            "Why?",
            "By Ann.",
            "Text.",
        ]

    def test_leaves_out_and_reports_what_is_not_spoken(self):
        document = Document(
            (
                Block("code", "x = 1"),
                Block("paragraph", "Text."),
                Block("table", "a | b"),
                Block("caption", "Photo: X"),
                Block("paragraph", "😀 — 😀"),
                Block("code", "y" * 9000),
            )
        )

        script = compose_script(document, voice="v", speaker="s")

        assert script.left_out[:4] == (
            LeftOut("code", "x = 1"),
            LeftOut("table", "a | b"),
            LeftOut("caption", "Photo: X"),
            LeftOut("unspeakable", "😀 — 😀"),
        )
        assert len(script.left_out[4].text) == 500
        assert script.sentence_count() == 1

    def test_shows_an_emoji_with_the_sentence_beside_it(self):
        script = compose("😀 😀! Hello there. 🎉")

        assert " ".join(one.sentence.text for one in script.sentences()) == "😀 😀! Hello there. 🎉"
        assert all(one.sentence.spoken for one in script.sentences())

    def test_survives_the_way_through_json(self):
        script = compose("# A\n\nText (5 km).\n\n> said\n", title="T")

        assert Script.from_json(script.to_json()) == script

    @pytest.mark.parametrize("text", ["", "😀", "```\ncode\n```", "---", "\x00"])
    def test_refuses_a_text_without_words(self, text):
        with pytest.raises(NothingToRead) as caught:
            compose(text, title="Only a title")

        assert caught.value.code == "nothing_to_read"


class TestLongSentences:
    @pytest.mark.parametrize(
        "sentence",
        [
            "we walked, " * 200 + "and stopped.",
            "word " * 800 + "end.",
            "1,234,567 " * 60 + "things.",
        ],
    )
    def test_are_parted_without_a_loss(self, sentence):
        script = compose(sentence)

        sentences = [one.sentence for one in script.sentences()]
        assert " ".join(one.text for one in sentences) == " ".join(sentence.split())
        assert max(len(one.spoken) for one in sentences) <= LONGEST_SPOKEN + 1

    def test_are_parted_at_clauses_when_they_have_any(self):
        script = compose("we walked on and on and on, " * 30 + "and stopped.")

        parts = [one.sentence.text for one in script.sentences()]
        assert len(parts) > 2
        assert all(part.endswith((",", ".")) for part in parts)

    @pytest.mark.parametrize("character", ["7", "x", "é"])
    def test_of_one_word_are_parted_anywhere(self, character):
        script = compose(character * 3000)

        parts = [one.sentence.text for one in script.sentences()]
        assert "".join(parts) == character * 3000
        assert all(len(one.sentence.spoken) <= LONGEST_SPOKEN + 1 for one in script.sentences())


def test_a_long_article_is_spoken_to_its_last_word():
    paragraphs = [f"Paragraph {number} says that it is here. It ends." for number in range(1, 400)]

    script = compose("\n\n".join(paragraphs))

    assert script.sentence_count() == 2 * 399
    spoken = [one.sentence.spoken for one in script.sentences()]
    assert spoken[-2] == "Paragraph three hundred ninety-nine says that it is here."
