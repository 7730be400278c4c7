"""Chooses an article's title among what its page offers, and makes one for a text that has none."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml.etree import _Element

from core.text import clean_line
from narration.parts import letters
from narration.trees import strings
from production.document import Block

TITLE_LENGTH = 255
_TITLE_FROM_TEXT = 80
#: What parts an article's title from the site's name in a page's title.
_SEPARATOR = re.compile(r"\s+(?:[|·•»«—–-]|::)\s+")  # noqa: RUF001 - dashes of all lengths
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s")
_SHARED_TITLES = (
    "//meta[@property='og:title' or @name='og:title' or @name='twitter:title']/@content"
)


def page_title(tree: _Element, blocks: tuple[Block, ...], *, guess: str, site_name: str) -> str:
    """The title of the article in a page; "" when the page names none.

    What the page tells other sites comes first. Else the article's own heading or the extractor's
    `guess` counts if the page's title repeats it: the largest heading may belong to a menu.
    """
    shared = [clean_line(content) for content in strings(tree, _SHARED_TITLES)]
    page = next((clean_line(text) for text in strings(tree, "//head//title/text()")), "")
    headings = [block.text for block in blocks[:3] if block.kind == "heading"]
    confirmed = [text for text in [*headings, clean_line(guess)] if _is_part(text, page)]
    chosen = next((text for text in [*shared, *confirmed, page, guess] if text), "")
    return shorten(_without_site(chosen, clean_line(site_name)), TITLE_LENGTH)


def title_of(blocks: Iterable[Block]) -> str:
    """A title for a text that has none: its first heading, else the start of its first sentence."""
    first = ""
    for block in blocks:
        if block.kind == "heading":
            return shorten(clean_line(block.text), TITLE_LENGTH)
        first = first or (block.text if block.kind in {"paragraph", "quote", "list_item"} else "")
    return shorten(_SENTENCE_END.split(clean_line(first), maxsplit=1)[0], _TITLE_FROM_TEXT)


def without_title(blocks: tuple[Block, ...], title: str) -> tuple[Block, ...]:
    """The blocks without a heading at the top that repeats the title, which is spoken anyway."""
    for index, block in enumerate(blocks[:3]):
        if block.kind == "heading" and letters(block.text) == letters(title):
            return blocks[:index] + blocks[index + 1 :]
    return blocks


def shorten(text: str, length: int) -> str:
    """At most `length` characters: whole sentences if they fill half of it, else whole words."""
    if len(text) <= length:
        return text
    cut = text[:length]
    ends = [match.start() for match in _SENTENCE_END.finditer(cut)]
    if ends and ends[-1] >= length // 2:
        return cut[: ends[-1]]
    space = cut.rfind(" ", length // 2)
    return (cut[:space] if space > 0 else cut[: length - 1]).rstrip(" ,;:-") + "…"


def _without_site(title: str, site_name: str) -> str:
    """The title without the site's name at its end (or start); a bar always parts the two."""
    parts = _SEPARATOR.split(title)
    if len(parts) > 1 and site_name:
        kept = [part for part in (parts[0], parts[-1]) if letters(part) != letters(site_name)]
        if len(kept) == 1:
            start, end = title.find(parts[1]), title.rfind(parts[-2]) + len(parts[-2])
            return title[start:] if kept[0] == parts[-1] else title[:end]
    bar = title.rfind(" | ")
    return title[:bar].strip() if bar > len(title) // 3 else title


def _is_part(text: str, whole: str) -> bool:
    return bool(letters(text)) and letters(text) in letters(whole)
