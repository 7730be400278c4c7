"""Reads a page or book that is all text, nothing of it menus or adverts, into blocks."""

from __future__ import annotations

from lxml.etree import _Element, strip_elements, strip_tags
from lxml.html import document_fromstring

from narration.blocks import blocks_of
from narration.parts import parts_of, with_parts
from production.document import Block

_DROPPED = ("script", "style", "template", "noscript", "head", "nav", "form", "svg", "math", "img")
#: HTML's names for what `narration.blocks` knows by the names of the extractor (TEI).
_NAMES = {
    **dict.fromkeys(("ul", "ol", "dl"), "list"),
    **dict.fromkeys(("li", "dt", "dd"), "item"),
    **dict.fromkeys(("td", "th"), "cell"),
    **dict.fromkeys(("s", "strike"), "del"),
    **dict.fromkeys(
        ("div", "section", "article", "main", "header", "footer", "aside", "figure", "details"), "p"
    ),
    **dict.fromkeys(("address", "center", "hgroup", "summary", "figcaption", "caption"), "p"),
    "blockquote": "quote",
    "pre": "code",
    "tr": "row",
    "br": "lb",
}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def blocks_of_markup(html: str) -> tuple[Block, ...]:
    """All blocks of a document of which every word counts, such as a chapter of a book."""
    if not html.strip():
        return ()
    tree = document_fromstring(html)
    parts = parts_of(tree)
    strip_elements(tree, *_DROPPED, with_tail=False)
    # Table sections would hide the rows.
    strip_tags(tree, "thead", "tbody", "tfoot")
    body = tree.find("body")
    root = body if body is not None else tree
    for element in root.iter("*"):
        _rename(element)
    return with_parts(blocks_of(root), parts)


def _rename(element: _Element) -> None:
    tag = element.tag
    if tag in _HEADINGS:
        element.tag = "head"
        element.set("rend", tag)
    elif tag == "sup":
        element.tag = "hi"
        element.set("rend", "#sup")
    elif tag in _NAMES:
        element.tag = _NAMES[tag]
