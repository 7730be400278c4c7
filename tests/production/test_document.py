from __future__ import annotations

import pytest

from production.document import Block, document_from_text


def read(text):
    return [(block.kind, block.text) for block in document_from_text(text).blocks]


class TestMarkdown:
    def test_headings_have_levels(self):
        document = document_from_text("# One\n\nSet\n===\n\nUnder\n---\n\n### Three ###")

        assert document.blocks == (
            Block("heading", "One", 1),
            Block("heading", "Set", 1),
            Block("heading", "Under", 2),
            Block("heading", "Three", 3),
        )

    def test_lists_keep_their_numbers_and_lose_their_bullets(self):
        assert read("3. three\n4. four\n\n- x\n  - y\n") == [
            ("list_item", "3. three"),
            ("list_item", "4. four"),
            ("list_item", "x"),
            ("list_item", "y"),
        ]

    def test_quotes_code_and_tables_are_told_apart(self):
        text = "> said\n> she\n\n```py\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | *2* |\n"

        assert read(text) == [("quote", "said she"), ("code", "x = 1"), ("table", "a | b\n1 | 2")]

    def test_an_unclosed_fence_runs_to_the_end(self):
        assert read("Before\n\n```\nx\n\ny") == [("paragraph", "Before"), ("code", "x\n\ny")]

    @pytest.mark.parametrize(
        ("marked", "plain"),
        [
            ("a *b* **c** ***d*** _e_ __f__ ~~g~~", "a b c d e f g"),
            ("see [the site](http://x.y/z 'T') and <https://a.b>", "see the site and https://a.b"),
            ("run `make *all*` now", "run make *all* now"),
            ("before ![alt text](i.png) after", "before after"),
            ("one <b>two</b> <!-- no --> &amp; three", "one two & three"),
            ("a\\*b\\*", "a*b*"),
            ("text[^1]", "text"),
            ("press <Enter> if a < b", "press <Enter> if a < b"),
        ],
    )
    def test_marks_inside_a_line_are_dropped(self, marked, plain):
        [(_kind, text)] = read(marked)

        assert " ".join(text.split()) == plain

    def test_link_definitions_and_front_matter_are_not_read(self):
        assert read("---\ntitle: T\ntags:\n  - a\n---\nText.\n\n[1]: http://x.y 'T'\n") == [
            ("paragraph", "Text.")
        ]

    def test_links_to_definitions_keep_their_text(self):
        assert read(
            "See [the site][1] or [Other].\n\n[1]: <http://x.y>\n[other]: ./o (Title)\n"
        ) == [("paragraph", "See the site or Other.")]

    def test_speakers_in_brackets_are_no_definitions(self):
        assert read("[Ann]: Welcome.\n\n[Bob]: Hello") == [
            ("paragraph", "[Ann]: Welcome."),
            ("paragraph", "[Bob]: Hello"),
        ]

    def test_html_paragraphs_are_parted(self):
        assert read("<p>One.</p><p>Two<br/>three</p>") == [
            ("paragraph", "One."),
            ("paragraph", "Two"),
            ("paragraph", "three"),
        ]


class TestPlainProse:
    @pytest.mark.parametrize(
        "text",
        [
            "We are #1 in C# and F#.",
            "2*3*4 is 24, and 5 * 3 is 15.",
            "The file my_long_name_here is read.",
            "#hashtag is one word",
            "It costs $5 (or 5 %) ~ roughly.",
            "a_b_c and d*e*f",
            "Is 3 < 4 > 2?",
            "[sic] he wrote [it].",
        ],
    )
    def test_survives_as_it_is(self, text):
        assert read(text) == [("paragraph", text)]

    def test_hard_wrapped_lines_are_joined(self):
        text = (
            "It was the best of times, it was the worst of times, it was\n"
            "the age of wisdom, it was the age of foolishness, it was the\n"
            "Epoch of belief."
        )

        assert read(text) == [("paragraph", text.replace("\n", " "))]

    def test_lines_that_their_author_ended_are_kept_apart(self):
        first, second = "A short one.", "A longer line that is a paragraph of its own."

        assert read(f"{first}\n{second}") == [("paragraph", first), ("paragraph", second)]

    def test_many_markers_and_deep_lists_swallow_nothing(self):
        deep = "\n".join(f"{'  ' * level}- level {level}" for level in range(60))

        assert len(read(f"{deep}\n\nAfter.")) >= 20
        assert read(f"{deep}\n\nAfter.")[-1] == ("paragraph", "After.")
        assert read("1. 2. 3. 4. 5. 6. 7. 8. 9. 10.\n\nAfter.") == [
            ("paragraph", "1. 2. 3. 4. 5. 6. 7. 8. 9. 10."),
            ("paragraph", "After."),
        ]

    def test_indented_prose_is_not_code(self):
        assert read("First.\n\n    Second, indented.") == [
            ("paragraph", "First."),
            ("paragraph", "Second, indented."),
        ]

    def test_a_year_at_the_start_is_not_lost(self):
        assert read("1986. A great year.") == [("list_item", "1986. A great year.")]

    def test_a_sentence_above_a_rule_is_no_heading(self):
        assert read("This is a sentence.\n---\nNext.") == [
            ("paragraph", "This is a sentence."),
            ("paragraph", "Next."),
        ]

    def test_windows_line_ends_and_controls_are_harmless(self):
        assert read("\ufeffOne\x00 two\r\n\r\nThr\x07ee\ud800") == [
            ("paragraph", "One two"),
            ("paragraph", "Three"),
        ]

    @pytest.mark.parametrize("text", ["", "   ", "\n\n", "\x00", "---", "<!-- x -->"])
    def test_nothing_makes_an_empty_document(self, text):
        assert document_from_text(text).blocks == ()

    def test_takes_a_language(self):
        assert document_from_text("Ja.", language="de").language == "de"


@pytest.mark.parametrize(
    "pattern",
    ["*", "_", "[", "`", "> ", ">", "- ", "#", "[a](", "<", "<b>", "![", "1. ", "&", "a_", "*a_ ",
     "|a|b|\n|-|-|\n", "```\n", "- a\n", "=\n", "[a]: b\n", "<!--", "---\na:\n", "\x00", "a\n"],
)  # fmt: skip
def test_hostile_text_of_any_pattern_is_read(pattern):
    """The suite's time limit is the bound: a parser that retries would need hours."""
    document = document_from_text(pattern * (100_000 // len(pattern)) + "\n\nend of it")

    assert "end of it" in document.blocks[-1].text
