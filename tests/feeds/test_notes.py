"""Tests of show notes."""

from __future__ import annotations

import pytest
from lxml import etree

from feeds.notes import cdata, cut_html, cut_text, notes_html, one_line, plain_text


class TestNotesHtml:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("", ""),
            ("one\ntwo\n\nthree", "<p>one<br>two</p>\n\n<p>three</p>"),
            ("a < b & c > d", "<p>a &lt; b &amp; c &gt; d</p>"),
            ("<p>kept</p>", "<p>kept</p>"),
            ("<h2>Head</h2>text", "<p>Head</p>text"),
            ("<script>x()</script><p>y</p>", "<p>y</p>"),
            ("<p onclick='x()' style='a'>y</p>", "<p>y</p>"),
            ("<a href='javascript:x()'>y</a>", "<a>y</a>"),
            (
                "<a href='https://e.example/?a=1&b=2'>y</a>",
                '<a href="https://e.example/?a=1&amp;b=2">y</a>',
            ),
            ("<ul><li><b>x</b><li>y</ul>", "<ul><li><b>x</b></li><li>y</li></ul>"),
            ("<img src=x onerror=y><p>z</p>", "<p>z</p>"),
            ("<p>open", "<p>open</p>"),
            ("<p> </p><p>x</p>", "<p>x</p>"),
            ("&iacute;<br>&amp;lt;b&amp;gt;", "í<br>&amp;lt;b&amp;gt;"),
        ],
    )
    def test_holds_only_what_apple_shows(self, given, expected):
        assert notes_html(given) == expected

    def test_links_addresses_in_plain_text(self):
        assert notes_html("See https://e.example/x.") == (
            '<p>See <a href="https://e.example/x">https://e.example/x</a>.</p>'
        )

    @pytest.mark.parametrize(
        "given", ["\x00\x1e", "<p>\x0b&#11;&#x1e;</p>", "\ud800 <b>x</b>", "\uffff", "<p>\ufffe"]
    )
    def test_holds_nothing_that_xml_forbids(self, given):
        etree.fromstring(f"<x>{cdata(notes_html(given))}</x>")


class TestPlainText:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("News & views", "News & views"),
            ("a < b", "a < b"),
            ("<p>one</p><p>two &amp; three</p>", "one\ntwo & three"),
            ("<script>x()</script>y", "y"),
            ("one<br/>two", "one\ntwo"),
        ],
    )
    def test_has_no_tags(self, given, expected):
        assert plain_text(given) == expected


class TestCut:
    def test_leaves_short_texts_alone(self):
        assert cut_html("<p>x</p>") == "<p>x</p>"
        assert cut_text("x") == "x"

    def test_closes_every_tag(self):
        cut = cut_html("<p>" + "<b>wörd</b> " * 900 + "</p>")

        assert len(cut.encode()) <= 4_000
        etree.fromstring(cut)

    def test_ends_even_when_nothing_fits(self):
        assert len(cut_html('<a href="' + "x" * 9_000 + '">y</a>').encode()) <= 4_000

    @pytest.mark.parametrize("text", ["🎧" * 2_000, "ab " * 2_000, "x" * 5_000, "é" * 3_000])
    def test_never_splits_a_character(self, text):
        cut = cut_text(text)

        assert 3_900 < len(cut.encode()) <= 4_000
        assert cut.endswith("…")
        assert text.startswith(cut[:-1])


class TestOneLine:
    def test_is_one_line_of_255_characters(self):
        assert one_line(" a\r\n b\tc\x00 ") == "a b c"
        assert len(one_line("x" * 999)) == 255
        assert one_line(None) == ""


def test_cdata_splits_its_end_mark():
    assert etree.fromstring(f"<x>{cdata('a]]>b]]>')}</x>").text == "a]]>b]]>"
