"""Tests of show notes that need no cleaning: what is seen from outside is what the cleaner makes."""

from __future__ import annotations

import re

import pytest
from django.utils.html import linebreaks, urlize
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.text import clean_text
from feeds.notes import CLEANER, notes_html
from feeds.tidy_html import tidy_html

#: Found again by nobody by chance: the same examples every time.
same_each_time = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    # How long making the examples takes is the machine's concern.
    suppress_health_check=[HealthCheck.too_slow],
)

NAMES = ("p", "ul", "ol", "li", "a", "b", "i", "em", "strong", "div")
LINKS = (
    *("https://e.example/", "http://a.b.co/?x=1&amp;y=2#z", "https://e.example?a=1&b=2", "/x"),
    *("javascript:x()", "https://1.2.3", "https://0x1.0x2", "http://a..bc", "https://xn--a.com"),
    *(
        "https://a.xn--bc",
        "https://a.bc:99999/",
        "https://a_b.cd",
        "https://a.bc/é",
        "mailto:x@y.z",
    ),
    *("https://a.bc/'", 'https://a.bc/"', "https://a.bc/<", "https://a.bc/ ", "https://a.bc&lt;"),
)
TEXTS = (
    *("x", " ", "\n\n", "é", "'", '"', "&", "&amp;", "&lt;", "&nbsp;", "&quot;", "&#39;", "&#1;"),
    *("am", "&am", "p;", "<", ">", "a < b", "\N{NO-BREAK SPACE}", "\ufeff", "\x00", "\x85", "]]>"),
    *("www.x", "WWW.y", "a.com", "(B.ORG).", "b@c.de", "http://x.y", ".\N{LATIN SMALL LETTER DOTLESS I}nt"),
    *("<br>", "<br/>", "<!--", "-->", "<script>", "<a>", "<a title=x>"),
)  # fmt: skip


def element(name, inside, link, quote):
    start = f"<a href={quote}{link}{quote}>" if name == "a" else f"<{name}>"
    return f"{start}{''.join(inside)}</{name}>"


texts = st.sampled_from(TEXTS) | st.text(max_size=4)
elements = st.recursive(
    texts,
    lambda inside: st.builds(
        element,
        st.sampled_from(NAMES),
        st.lists(inside, max_size=3),
        st.sampled_from(LINKS),
        st.sampled_from("\"'"),
    ),
    max_leaves=8,
)
tags = st.sampled_from([f"<{slash}{name}>" for name in NAMES for slash in ("", "/")])
html = st.lists(elements | tags, max_size=6).map("".join)


class TestTidyHtml:
    @same_each_time
    @given(html.map(clean_text))
    def test_says_what_the_cleaner_says_or_nothing(self, text):
        assert tidy_html(text) in {None, CLEANER.clean(text)}

    @pytest.mark.parametrize(
        "text",
        [
            "<p>one</p>\n<p>two<br>three &amp; four</p>",
            "<ul><li><b>x</b>: <i>y</i></li><li><p>z</p><ol><li>0</li></ol></li></ul>",
            '<p>See <a href="https://e.example/a-b?c=d&amp;e=%20#f">this <b>one</b></a>.</p>',
        ],
    )
    def test_knows_what_people_write(self, text):
        assert tidy_html(text) == text

    def test_quotes_links_as_the_cleaner_does(self):
        assert tidy_html("<a href='https://e.example'>x</a>") == '<a href="https://e.example">x</a>'

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "<p>",
                "</p>",
                "<p><p>x</p></p>",
                "<p><ul></ul></p>",
                "<b><p>x</p></b>",
                "<li>x</li>",
            ),
            *("<b><i>x</b></i>", "<a><b><a>x</a></b></a>", "<p class='x'>y</p>", "<P>x</P>", "</>"),
            *("<a href='javascript:x()'>y</a>", "<a href='https://x.example' onclick='y'>z</a>"),
            *("<p>&am</p>p;", "<p>&eacute;</p>", "<p>a > b</p>", "<p>a < b</p>", "\ufeff<p>x</p>"),
        ],
    )
    def test_leaves_the_rest_to_the_cleaner(self, text):
        assert tidy_html(text) is None


@same_each_time
@given(st.lists(texts, max_size=8).map("".join))
def test_plain_notes_are_what_the_cleaner_makes_of_them(text):
    text = clean_text(re.sub(r"<[a-z/][^>]*>?", "", text))
    expected = CLEANER.clean(linebreaks(urlize(text, autoescape=True), autoescape=False))

    assert notes_html(text) == re.sub(r"<p>\s*</p>\s*", "", expected).strip()
