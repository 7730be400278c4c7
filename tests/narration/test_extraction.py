from __future__ import annotations

from datetime import date

import pytest

from narration.diagnosis import ArticleNotFound
from narration.extraction import (
    DESCRIPTION_LENGTH,
    MAXIMUM_ELEMENTS,
    PageTooComplex,
    article_from_html,
    article_from_text,
)
from narration.titles import TITLE_LENGTH, shorten
from production.document import Block
from tests.narration.pages import ARTICLE_BODY, PARAGRAPHS, page

URL = "https://site.example/p/land"
HEAD = """
<meta name="author" content="Jane Doe"><meta name="description" content="Why trains &amp; land.">
<meta property="og:site_name" content="Works Weekly"><meta property="og:image" content="/i.jpg">
<link rel="canonical" href="https://site.example/p/land-canonical">
<meta property="article:published_time" content="2024-03-05T10:00:00Z">
"""


def article(html):
    return article_from_html(html, url=URL)


class TestArticleFromHtml:
    def test_reads_the_body_and_leaves_menus_and_footers(self):
        found = article(page())

        assert [block.text for block in found.document.blocks] == list(PARAGRAPHS)
        assert found.characters == sum(len(text) for text in PARAGRAPHS)
        assert found.url == URL

    def test_reads_what_the_page_says_about_itself(self):
        found = article(page(head=HEAD, title="The Land That Pays | Works Weekly", lang="en-GB"))

        assert found.title == "The Land That Pays"
        assert found.author == "Jane Doe"
        assert found.description == "Why trains & land."
        assert found.site_name == "Works Weekly"
        assert found.language == found.document.language == "en-GB"
        assert found.canonical_url == "https://site.example/p/land-canonical"
        assert found.published_date == date(2024, 3, 5)
        assert found.image_url == "https://site.example/i.jpg"

    def test_leaves_unknown_what_the_page_does_not_say(self):
        found = article(page())

        assert found.author == ""
        assert found.published_date is None
        assert found.image_url == ""
        assert found.description == PARAGRAPHS[0]

    def test_keeps_structure_in_order(self):
        body = (
            f"<article><h1>The Land That Pays</h1><p>{PARAGRAPHS[0]}</p><h2>How it began</h2>"
            f"<p>{PARAGRAPHS[1]}</p><ul><li>First, land was bought by the company.</li>"
            "<li>Second, tracks were laid on it.</li></ul><blockquote><p>We never stop, said the "
            f"conductor to the reporter.</p></blockquote><pre><code>print('train')\nprint(2)</code>"
            "</pre><table><tr><th>Line</th><th>Speed</th></tr><tr><td>North</td><td>285</td></tr>"
            f"</table><p>{PARAGRAPHS[2]}</p></article>"
        )

        kinds = [block.kind for block in article(page(body)).document.blocks]

        assert kinds == [
            "paragraph",
            "heading",
            "paragraph",
            "list_item",
            "list_item",
            "quote",
            "code",
            "table",
            "paragraph",
        ]

    def test_knows_the_language_better_than_the_page(self):
        text = "Die Züge im Tal kommen nie zu spät, und die Leute stellen ihre Uhren danach. " * 6

        assert article(page(f"<article><p>{text}</p></article>", lang="en")).language == "de"

    @pytest.mark.parametrize(
        ("head", "title", "expected"),
        [
            ("", "The Land That Pays - Works Weekly", "The Land That Pays"),
            ("", "Works Weekly: The Land That Pays", "The Land That Pays"),
            (
                '<meta property="og:title" content="Land, or Tickets?">',
                "The Land That Pays",
                "Land, or Tickets?",
            ),
            (
                '<meta property="og:title" content="Land or Tickets | Works"/>',
                "x",
                "Land or Tickets",
            ),
        ],
    )
    def test_chooses_the_articles_own_title(self, head, title, expected):
        body = f"<article><h1>The Land That Pays</h1>{ARTICLE_BODY}</article>"

        assert article(page(body, head=head, title=title)).title == expected

    def test_does_not_take_a_menus_heading_for_the_title(self):
        body = f"<div id='help'><h2>Keyboard shortcuts</h2></div><main>{ARTICLE_BODY}</main>"

        assert article(page(body, title="The Land That Pays")).title == "The Land That Pays"

    def test_makes_a_title_where_there_is_none(self):
        found = article(f"<html><body><article>{ARTICLE_BODY}</article></body></html>")

        assert found.title.startswith("Trains have run on this line")
        assert len(found.title) <= 81

    def test_does_not_say_the_title_twice(self):
        body = f"<article><h1>The land that pays!</h1>{ARTICLE_BODY}</article>"

        found = article(page(body, title="The Land That Pays"))

        assert all(block.kind == "paragraph" for block in found.document.blocks)

    def test_names_several_authors_like_a_sentence(self):
        head = '<meta name="author" content="Jane Doe; John Roe; Ann Poe">'

        assert article(page(head=head)).author == "Jane Doe, John Roe and Ann Poe"

    def test_bounds_what_a_page_says_about_itself(self):
        head = (
            f'<meta name="author" content="{"Jane " * 400}">'
            f'<meta name="description" content="{"word " * 4_000}">'
            '<link rel="canonical" href="javascript:alert(1)">'
            '<meta property="og:image" content="http://[broken">'
        )

        found = article(page(head=head, title="Land " * 2_000))

        assert len(found.title) <= TITLE_LENGTH
        assert len(found.author) <= TITLE_LENGTH
        assert len(found.description) <= DESCRIPTION_LENGTH
        assert found.canonical_url in {"", URL}
        assert found.image_url == ""

    def test_takes_no_control_characters_along(self):
        html = page(
            f"<article><p>Nul \x00 bell \x07 &#1; &#65534; end.</p>{ARTICLE_BODY}</article>"
        )

        text = " ".join(block.text for block in article(html).document.blocks)

        assert all(character.isprintable() for character in text)

    def test_reads_words_whole_that_a_page_breaks_or_spells_in_parts(self):
        broken = "Sig\u00adnal &shy;box &#173;es \u200bline\u2060s&#xFEFF; a\u0308ndern"
        joined = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"

        blocks = article(
            page(f"<article><p>{broken} {joined}</p>{ARTICLE_BODY}</article>")
        ).document.blocks

        assert blocks[0].text == f"Signal box es lines \u00e4ndern {joined}"

    def test_sees_a_paywall_in_what_it_takes_for_furniture(self):
        wall = "<p class='bottom'>Subscribe now to continue reading this story of ours.</p>"

        with pytest.raises(ArticleNotFound, match="subscribers only"):
            article(page(f"<article><p>{PARAGRAPHS[0]}</p><p>{PARAGRAPHS[1]}</p>{wall}</article>"))

    def test_takes_lines_before_and_notes_after_the_text_for_furniture(self):
        before = (
            "<header><p>22 October 2019 | Report</p><p>The land pays for the trains.</p></header>"
        )
        after = (
            "<h2>More of it</h2><p><a href='/1'>Retail design: how shops are built now</a></p>"
            "<p class='bottom'>This text is not to be printed elsewhere without asking.</p>"
        )

        found = article(page(f"<article>{before}{ARTICLE_BODY}{after}</article>")).document

        assert [block.text for block in found.blocks] == [
            "The land pays for the trains.",
            *PARAGRAPHS,
        ]
        assert [(block.kind, block.text) for block in found.omitted] == [
            ("boilerplate", "22 October 2019 | Report"),
            ("boilerplate", "More of it"),
            ("boilerplate", "Retail design: how shops are built now"),
            ("boilerplate", "This text is not to be printed elsewhere without asking."),
        ]

    @pytest.mark.parametrize(
        "html",
        [
            "",
            " \n ",
            "\x00" * 1_000,
            "<",
            "<html",
            "<!doctype html>",
            "<html></html>",
            page("<p>Hi.</p>"),
            "<div>" * 5_000,
            "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "just words, no page at all",
        ],
    )
    def test_says_that_there_is_no_article(self, html):
        with pytest.raises(ArticleNotFound, match="Could not extract article content"):
            article(html)

    def test_refuses_a_page_of_endless_elements(self):
        with pytest.raises(PageTooComplex):
            article(page("<i>x</i>" * (MAXIMUM_ELEMENTS + 1)))


class TestArticleFromText:
    def test_reads_markdown(self):
        found = article_from_text(f"# Weekly notes\n\n{PARAGRAPHS[0]}\n\n{PARAGRAPHS[1]}\n")

        assert found.title == found.spoken_title == "Weekly notes"
        assert found.description == PARAGRAPHS[0]
        assert found.language == "en"
        assert [block.text for block in found.document.blocks] == list(PARAGRAPHS[:2])

    def test_makes_a_title_of_the_first_sentence_but_does_not_say_it_twice(self):
        found = article_from_text("Trains are never late. People set their clocks by them.")

        assert found.title == "Trains are never late."
        assert found.spoken_title == ""
        assert found.document.blocks[0] == Block(
            "paragraph", "Trains are never late. People set their clocks by them."
        )


class TestShorten:
    def test_leaves_a_short_text(self):
        assert shorten("short", 5) == "short"

    def test_prefers_whole_sentences(self):
        assert (
            shorten("One is here. Two is here. Three is here.", 30) == "One is here. Two is here."
        )

    def test_else_cuts_between_words(self):
        assert shorten("several words without any end of sentence", 22) == "several words without…"

    def test_else_cuts_anywhere(self):
        assert shorten("x" * 100, 10) == "x" * 9 + "…"


class TestTextWithATitleOfItsOwn:
    TEXT = "# The survey\n\nFirst the coast was walked.\n\n# Nine years\n\nIt took them nine."

    def test_keeps_a_first_heading_that_says_something_else(self) -> None:
        article = article_from_text(self.TEXT, title="The bridge")

        headings = [block.text for block in article.document.blocks if block.kind == "heading"]
        assert headings == ["The survey", "Nine years"]
        assert article.title == article.spoken_title == "The bridge"

    def test_takes_the_first_heading_for_the_title_without_one(self) -> None:
        article = article_from_text(self.TEXT)

        headings = [block.text for block in article.document.blocks if block.kind == "heading"]
        assert headings == ["Nine years"]
        assert article.title == "The survey"
