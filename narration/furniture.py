"""Tells an article from the page furniture around it, by a second and stricter reading of the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from narration.parts import letters
from production.document import Block

#: Furniture that is more than the article is none: the stricter reading has misunderstood the page.
LEAST_SHARE = 0.5
#: The longest line before the text that is no text: a date, a byline, a path of links.
LONGEST_LINE = 100
_TEXT_KINDS = frozenset({"paragraph", "list_item", "quote", "heading", "table", "link_list"})
_LINES = frozenset({"paragraph", "list_item"})
#: Long enough to be found inside of a longer paragraph of the other reading and mean the same.
_TELLING = 40
_SENTENCE = re.compile(r"[.!?…:。！？]\W*$")  # noqa: RUF001 - of scripts with other full stops


def parted(
    blocks: Sequence[Block], strict: Sequence[Block], *, least: int
) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """The blocks of the article, of at least `least` characters, and the furniture around it.

    `strict` is the page as a reading finds it that would rather lose text than take furniture along.
    It loses headings and first sentences too, so that it is only believed about what follows its last
    words, and about lines before its first ones that are no sentences.
    """
    sure = [number for number, is_sure in enumerate(_are_sure(blocks, strict)) if is_sure]
    if not sure:
        return tuple(blocks), ()
    article: list[Block] = []
    furniture: list[Block] = []
    for number, block in enumerate(blocks):
        behind = number > sure[-1] and block.kind in _TEXT_KINDS
        if behind or (number < sure[0] and _is_line(block)):
            furniture.append(replace(block, kind="boilerplate", level=0))
        else:
            article.append(block)
    kept, lost = (sum(len(block.text) for block in part) for part in (article, furniture))
    if kept < least or kept < LEAST_SHARE * (kept + lost):
        return tuple(blocks), ()
    return tuple(article), tuple(furniture)


def _are_sure(blocks: Sequence[Block], strict: Sequence[Block]) -> list[bool]:
    lines = {letters(line) for block in strict for line in block.text.split("\n")}
    whole = letters(" ".join(block.text for block in strict))
    known = [letters(block.text) for block in blocks]
    return [bool(it) and (it in lines or (len(it) >= _TELLING and it in whole)) for it in known]


def _is_line(block: Block) -> bool:
    return (
        block.kind in _LINES
        and len(block.text) <= LONGEST_LINE
        and not _SENTENCE.search(block.text)
    )
