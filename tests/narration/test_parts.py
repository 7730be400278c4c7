from __future__ import annotations

from narration.extraction import article_from_html
from narration.markup import blocks_of_markup
from tests.narration.pages import ARTICLE_BODY, page

FIGURE = "<figure><img src='x.png'><figcaption>The bridge in 1890.</figcaption></figure>"
NOTES = (
    "<section class=footnotes><ol><li id=fn1>See the archive of 1890. <a href='#r1'>↩</a></li>"
    "<li id=fn2><p>On page four of it.</p></li></ol></section>"
)
LINKS = (
    "<ul><li><a href=/a>One</a></li><li><a href=/b>Two</a></li><li><a href=/c>Three</a></li></ul>"
)
MORE = "<p>And it went on in the years that followed, with more trains on it every year.</p>"


def kinds(blocks, *wanted):
    return [(block.kind, block.text) for block in blocks if block.kind in wanted]


def test_a_page_gives_captions_and_footnotes_under_their_names():
    body = f"<article><h1>The Land That Pays</h1>{ARTICLE_BODY}{FIGURE}{MORE}{NOTES}</article>"

    blocks = article_from_html(page(body), url="https://site.example/").document.blocks

    assert kinds(blocks, "caption", "footnote") == [
        ("caption", "The bridge in 1890."),
        ("footnote", "See the archive of 1890."),
        ("footnote", "On page four of it."),
    ]


def test_a_book_gives_its_lists_of_links_too():
    blocks = blocks_of_markup(f"<body><p>Words.</p>{LINKS}<ul><li>Only a word</li></ul></body>")

    assert kinds(blocks, "link_list") == [
        ("link_list", "One"),
        ("link_list", "Two"),
        ("link_list", "Three"),
    ]
    assert kinds(blocks, "list_item") == [("list_item", "Only a word")]


def test_code_stays_code_even_when_it_is_short():
    blocks = blocks_of_markup("<body><p>Words.</p><pre><code>x = 1</code></pre></body>")

    assert kinds(blocks, "code") == [("code", "x = 1")]


def test_a_list_of_links_that_is_no_part_of_the_article_is_told_of_but_a_menu_is_not():
    aside = f"<aside><h3>Related</h3>{LINKS}</aside>"
    menu = f"<nav>{LINKS.replace('One', 'Home')}</nav>"
    body = f"{menu}<article><h1>The Land That Pays</h1>{ARTICLE_BODY}</article>{aside}"

    document = article_from_html(page(body), url="https://site.example/").document

    assert kinds(document.blocks, "link_list") == []
    assert kinds(document.omitted, "link_list") == [("link_list", "One\nTwo\nThree")]


def test_a_list_of_links_in_the_article_is_told_of_once():
    body = f"<article><h1>The Land That Pays</h1>{ARTICLE_BODY}{LINKS}{MORE}</article>"

    document = article_from_html(page(body), url="https://site.example/").document

    told = [*kinds(document.blocks, "link_list"), *kinds(document.omitted, "link_list")]
    assert [line for _kind, text in told for line in text.split("\n")] == ["One", "Two", "Three"]
