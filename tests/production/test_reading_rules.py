from __future__ import annotations

import pytest

from production.composing import NothingToRead, compose_script
from production.document import Block, Document, document_from_text
from production.reading_rules import PARTS, ReadingRules, ReadingRulesInvalid, checked_rules

TEXT = Block("paragraph", "Some words to read.")
EYE = {
    "code": (Block("code", "x = 1\ny = 2"),),
    "tables": (Block("table", "Town | People\nUlm | 120"),),
    "footnotes": (Block("footnote", "See page four."), Block("footnote", "See page five.")),
    "link_lists": tuple(Block("link_list", f"Story number {n}") for n in (1, 2, 3)),
    "captions": (Block("caption", "The bridge in winter."),),
}
DESCRIBED = {
    "code": "A code example stands here.",
    "tables": "A table of 2 rows stands here.",
    "footnotes": "There are 2 footnotes.",
    "link_lists": "A list of 3 links stands here.",
    "captions": "A picture stands here.",
}


def script(part, rule, language="en"):
    blocks = (TEXT, *EYE[part])
    return compose_script(
        Document(blocks, language), voice="v", speaker="s", rules=ReadingRules(**{part: rule})
    )


def shown(made):
    return [placed.sentence.text for placed in made.sentences()]


@pytest.mark.parametrize("part", PARTS)
class TestRules:
    def test_skip_leaves_it_out_and_says_so(self, part):
        made = script(part, "skip")

        assert shown(made) == [TEXT.text]
        assert [left.text for left in made.left_out] == [block.text for block in EYE[part]]

    def test_describe_says_once_what_stands_there(self, part):
        made = script(part, "describe")

        assert shown(made) == [TEXT.text, DESCRIBED[part]]
        assert len(made.left_out) == len(EYE[part])

    def test_read_reads_it(self, part):
        made = script(part, "read")

        assert len(shown(made)) > 1 + len(EYE[part]) - 1
        assert made.left_out == ()

    def test_describe_is_silent_in_a_language_without_words_for_it(self, part):
        assert shown(script(part, "describe", language="fi")) == [TEXT.text]


def test_a_text_of_nothing_but_parts_for_the_eye_is_refused():
    with pytest.raises(NothingToRead):
        compose_script(
            Document(EYE["code"]), voice="v", speaker="s", rules=ReadingRules(code="describe")
        )


def test_a_table_is_read_row_by_row():
    assert shown(script("tables", "read"))[1:] == ["Town, People", "Ulm, 120"]


class TestMarkdown:
    def test_knows_footnotes_and_lists_of_links(self):
        text = (
            "Words[^1] to read.\n\n- [One](https://a.example)\n- <https://b.example/x>\n"
            "- https://c.example/y\n\nMore words.\n\n[^1]: See page four.\n"
        )

        kinds = [block.kind for block in document_from_text(text).blocks]

        assert kinds == ["paragraph", *["link_list"] * 3, "paragraph", "footnote"]

    def test_takes_one_link_in_a_list_for_words(self):
        blocks = document_from_text("- [One](https://a.example)\n- Two things\n").blocks

        assert [block.kind for block in blocks] == ["list_item", "list_item"]


class TestCheckedRules:
    @pytest.mark.parametrize(
        "given",
        [5, "skip", [], {"code": "shout"}, {"pictures": "skip"}, {"code": None}, {5: "skip"}],
    )
    def test_refuses_what_is_no_rule(self, given):
        with pytest.raises(ReadingRulesInvalid, match="rules"):
            checked_rules(given)
