from __future__ import annotations

import pytest
from lxml import etree

from narration.blocks import blocks_of
from production.document import Block


def blocks(inner):
    return blocks_of(etree.fromstring(f"<body>{inner}</body>"))


def test_headings_keep_their_level():
    assert blocks('<head rend="h1">A</head><head rend="h3">B</head><head>C</head>') == (
        Block("heading", "A", 1),
        Block("heading", "B", 3),
        Block("heading", "C", 2),
    )


def test_inline_marks_leave_their_words():
    inner = '<p>A <hi rend="#b">bold</hi> and <ref target="x">linked</ref> word.</p>'

    assert blocks(inner) == (Block("paragraph", "A bold and linked word."),)


def test_line_breaks_of_the_source_are_spaces():
    assert blocks("<p>one\n   two\n\n three</p>") == (Block("paragraph", "one two three"),)


def test_one_break_stays_in_the_paragraph_and_two_part_it():
    inner = "<p>first line<lb/>second line<lb/> <lb/>second paragraph</p>"

    assert blocks(inner) == (
        Block("paragraph", "first line\nsecond line"),
        Block("paragraph", "second paragraph"),
    )


def test_text_between_blocks_is_kept_in_its_place():
    inner = 'before <hi rend="#i">it</hi><p>inside</p>after <hi>all</hi> that'

    assert [block.text for block in blocks(inner)] == ["before it", "inside", "after all that"]


def test_lists_give_an_item_each_nested_ones_after_their_parent():
    inner = (
        "<list><item>one</item><item>two <p>more of two</p> and more"
        "<list><item>inner</item></list></item><item><p>three</p></item></list>"
    )

    assert blocks(inner) == (
        Block("list_item", "one"),
        Block("list_item", "two more of two and more"),
        Block("list_item", "inner"),
        Block("list_item", "three"),
    )


def test_every_paragraph_of_a_quote_is_a_quote():
    assert blocks("<quote><p>Never.</p><p>Ever.</p></quote>") == (
        Block("quote", "Never."),
        Block("quote", "Ever."),
    )


def test_code_on_its_own_keeps_its_lines():
    assert blocks("<p>See:</p><code>a = 1\n  b = 2</code>")[1] == Block("code", "a = 1\n  b = 2")


def test_code_inside_a_sentence_is_words_of_it():
    assert blocks("<p>The <code>run</code> function.</p>") == (
        Block("paragraph", "The run function."),
    )


def test_a_data_table_is_one_block():
    inner = (
        "<table><row><cell>Line</cell><cell>Speed</cell></row>"
        "<row><cell>North</cell><cell>285</cell></row></table>"
    )

    assert blocks(inner) == (Block("table", "Line | Speed\nNorth | 285"),)


def test_a_table_made_for_the_layout_gives_its_paragraphs():
    story = "A long story about the railway that somebody put into a table. " * 8
    inner = (
        f"<table><row><cell>menu</cell><cell><p>{story}</p>"
        "<table><row><cell>a</cell><cell>b</cell></row></table></cell></row></table>"
    )

    assert blocks(inner) == (
        Block("paragraph", "menu"),
        Block("paragraph", story.strip()),
        Block("table", "a | b"),
    )


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ('mc<hi rend="#sup">2</hi>', "mc²"),
        ('10<hi rend="#sup">-6</hi> m', "10⁻⁶ m"),
        ('(a+b)<hi rend="#sup">2</hi>', "(a+b)²"),
        ('H<hi rend="#sub">2</hi>O', "H2O"),
        ('the minutes<hi rend="#sup">12</hi> passed', "the minutes passed"),
        ('it ended.<hi rend="#sup">[3]</hi> Then', "it ended. Then"),
        ('it ended.<hi rend="#sup">a</hi>', "it ended."),
        ('the 5<hi rend="#sup">th</hi> day', "the 5th day"),
        ('an <del rend="overstrike">old</del> word', "an word"),
    ],
)
def test_raised_and_struck_out_words_are_read_as_they_are_meant(inner, text):
    assert blocks(f"<p>{inner}</p>") == (Block("paragraph", text),)


def test_control_characters_and_empty_blocks_are_gone():
    body = etree.Element("body")
    etree.SubElement(body, "p").text = "a\u200bb\ufffe"[:2] + "c"
    etree.SubElement(body, "p").text = " \u00a0 "

    assert [block.kind for block in blocks_of(body)] == ["paragraph"]


def test_many_inline_elements_take_linear_work():
    inner = 'word <hi rend="#sup">2</hi> ' * 20_000

    assert len(blocks(f"<p>{inner}</p>")[0].text) > 90_000
