"""Finds the parts of a page that were written for the eye: captions, footnotes, lists of links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lxml.etree import _Element
from lxml.html import fromstring

from core.text import clean_line
from narration.trees import elements, whole_text
from production.document import LINKS_IN_A_LIST, Block, BlockKind

#: A list counts as one of links when this share of its letters stands in links.
_LINK_SHARE = 0.9
_CAPTIONS = "//figcaption | //*[contains(concat(' ', @class, ' '), ' wp-caption-text ')]"
_FOOTNOTES = (
    "//*[@role='doc-endnote' or @role='doc-footnote']"
    " | //li[starts-with(@id, 'fn') or starts-with(@id, 'cite_note') or contains(@id, 'footnote')]"
    " | //*[contains(@class, 'footnote') or contains(@class, 'endnote')]//*[self::li or self::p]"
    " | //aside[contains(@class, 'footnote')]"
    " | //ol[contains(@class, 'references')]/li"
)
_IN_A_MENU = (
    "ancestor::nav | ancestor::header | ancestor::footer"
    " | ancestor::*[@role='navigation' or @role='menu' or @role='banner' or @role='contentinfo']"
)
#: A report of more is no report.
MOST_LINK_LISTS = 20
_TEXT_KINDS = frozenset({"paragraph", "list_item", "quote"})

_CODE = "//pre[code] | //*[contains(@class, 'highlight') or contains(@class, 'code')]//pre"
#: Signs that lead from a footnote back to its place.
_BACK = "↩︎⤴↑^ "


@dataclass(frozen=True, slots=True)
class Parts:
    """The letters of each part -> its kind, and what extractors tend to drop.

    `link_lists` are those outside of the site's menus, one item a line.
    """

    kinds: Mapping[str, BlockKind]
    footnotes: tuple[str, ...]
    link_lists: tuple[str, ...] = ()


def parts_of(tree: _Element) -> Parts:
    """What there is of these parts, to know it again after the extraction.

    Captions are moved out of their figures, which the extractor drops whole.
    """
    found: dict[str, BlockKind] = {}
    link_lists: list[str] = []
    for items in _link_lists(tree):
        found |= dict.fromkeys(map(_letters_of, items), "link_list")
        if len(link_lists) < MOST_LINK_LISTS and not elements(items[0], _IN_A_MENU):
            link_lists.append("\n".join(clean_line(whole_text(item)) for item in items))
    found |= dict.fromkeys(map(_letters_of, elements(tree, _CODE)), "code")
    footnotes: dict[str, str] = {}
    seen_in_order = elements(tree, _FOOTNOTES)
    seen = set(seen_in_order)
    for footnote in seen_in_order:
        inner = elements(footnote, ".//p | .//li")
        found |= dict.fromkeys(map(_letters_of, [footnote, *inner]), "footnote")
        if not seen.intersection(footnote.iterancestors()):
            footnotes[_letters_of(footnote)] = clean_line(whole_text(footnote)).strip(_BACK)
    for caption in elements(tree, _CAPTIONS):
        found[_letters_of(caption)] = "caption"
        _free(caption)
    found.pop("", None)
    return Parts(found, tuple(text for text in footnotes.values() if text), tuple(link_lists))


def with_parts(blocks: Iterable[Block], parts: Parts) -> tuple[Block, ...]:
    """The blocks, those of `parts` under their own kind, and lost footnotes at the end."""
    known = [_known(block, parts) for block in blocks]
    there = letters(" ".join(block.text for block in known))
    lost = [Block("footnote", text) for text in parts.footnotes if letters(text) not in there]
    return (*known, *lost)


def lost_link_lists(blocks: Iterable[Block], parts: Parts) -> tuple[Block, ...]:
    """The lists of links of which nothing is left in `blocks`: told of, never read."""
    there = {letters(block.text) for block in blocks}
    return tuple(
        Block("link_list", listing)
        for listing in parts.link_lists
        if there.isdisjoint(map(letters, listing.split("\n")))
    )


def _known(block: Block, parts: Parts) -> Block:
    if block.kind not in _TEXT_KINDS:
        return block
    kind = parts.kinds.get(letters(block.text), block.kind)
    text = block.text.strip(_BACK) if kind == "footnote" else block.text
    return replace(block, kind=kind, text=text)


def letters(text: str) -> str:
    """What two forms of one text have in common: its letters and digits."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _letters_of(element: _Element) -> str:
    return letters(whole_text(element))


def _link_lists(tree: _Element) -> Iterable[list[_Element]]:
    for listing in elements(tree, "//ul[li//a] | //ol[li//a]"):
        items = [child for child in listing if child.tag == "li"]
        if len(items) >= LINKS_IN_A_LIST and all(_is_link(item) for item in items):
            yield items


def _is_link(item: _Element) -> bool:
    linked = sum(len(_letters_of(link)) for link in elements(item, ".//a"))
    return linked > 0 and linked >= _LINK_SHARE * len(_letters_of(item))


def _free(caption: _Element) -> None:
    """Make a paragraph of the caption, behind its figure."""
    figure = next(caption.iterancestors("figure"), None)
    if figure is None:
        return
    paragraph = fromstring("<p></p>")
    paragraph.text = clean_line(whole_text(caption))
    paragraph.tail, figure.tail = figure.tail, None
    figure.addnext(paragraph)
