"""Turns trafilatura's tree of an article into the blocks of a document, in reading order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml.etree import _Element

from core.text import clean_line, clean_text
from narration.trees import whole_text
from production.document import Block, BlockKind

#: A table with a cell longer than this, or of a single column, is there for the layout: old pages
#: put whole articles into one.
_LONGEST_DATA_CELL = 300
_SUPERSCRIPTS = str.maketrans("0123456789+-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ")
_EXPONENT = re.compile(r"[0-9+\-n]{1,4}", re.ASCII)
_FOOTNOTE = re.compile(r"[\[(]?([0-9]{1,3}|[a-z*†‡§])[\])]?(,[0-9]{1,3})*", re.IGNORECASE)
# What may carry an exponent: a digit, a bracket, or a word of one or two letters (m, km, x).
_BASE = re.compile(r"([0-9)\]]|(?<![^\W\d_])[^\W\d_]{1,2})$")
_SPACES = re.compile(r"\s+")
_BLOCKS = frozenset({"p", "head", "list", "quote", "table", "code", "item"})


def blocks_of(body: _Element) -> tuple[Block, ...]:
    """All blocks that have text. `body` is trafilatura's, extracted with formatting kept."""
    return tuple(block for block in _walk(body, "paragraph") if block.text)


def _walk(parent: _Element, kind: BlockKind) -> Iterator[Block]:
    """Blocks of all children; text between them becomes a block of `kind`."""
    loose = [_plain(parent.text)]  # text and inline elements that stand between blocks
    for child in parent:
        if child.tag in _BLOCKS and not _is_inline_code(child):
            yield from _paragraphs("".join(loose), kind)
            yield from _block(child, kind)
            loose = []
        else:
            _add_inline(child, loose)
        loose.append(_plain(child.tail))
    yield from _paragraphs("".join(loose), kind)


def _block(element: _Element, kind: BlockKind) -> Iterator[Block]:
    match element.tag:
        case "head":
            yield Block("heading", _heading(element), _level(element))
        case "list":
            yield from _list_items(element)
        case "quote":
            yield from _walk(element, "quote")
        case "table":
            yield from _table(element)
        case "code":
            yield Block("code", clean_text(whole_text(element)))
        case "item":
            yield from _item(element)
        case _:
            yield from _walk(element, kind)


def _list_items(element: _Element) -> Iterator[Block]:
    for child in element:
        if child.tag == "item":
            yield from _item(child)
        else:
            yield from _block(child, "list_item")


def _item(element: _Element) -> Iterator[Block]:
    """One block for the item's own words, then those of the lists, quotes and code inside it."""
    words = [_plain(element.text)]
    inner: list[Block] = []
    for child in element:
        if child.tag == "p":
            words += [" ", *_words(child), " "]
        elif child.tag in _BLOCKS and not _is_inline_code(child):
            inner.extend(_block(child, "list_item"))
        else:
            _add_inline(child, words)
        words.append(_plain(child.tail))
    yield Block("list_item", _line("".join(words)))
    yield from inner


def _table(element: _Element) -> Iterator[Block]:
    # Not the rows of a table inside a cell: those come with the cell.
    rows = [[cell for cell in row if cell.tag == "cell"] for row in element if row.tag == "row"]
    cells = [cell for row in rows for cell in row]
    longest = max((len(whole_text(cell)) for cell in cells), default=0)
    if longest > _LONGEST_DATA_CELL or all(len(row) <= 1 for row in rows):
        for cell in cells:
            yield from _walk(cell, "paragraph")
        return
    lines = [" | ".join(_line(_text(cell)) for cell in row) for row in rows if row]
    yield Block("table", "\n".join(lines))


def _paragraphs(text: str, kind: BlockKind) -> Iterator[Block]:
    """A single line break stays inside a paragraph, two part it."""
    for part in re.split(r"\n[^\S\n]*\n\s*", text):
        lines = (_line(line) for line in part.split("\n"))
        joined = "\n".join(line for line in lines if line)
        if joined:
            yield Block(kind, joined)


def _text(element: _Element) -> str:
    return "".join(_words(element))


def _words(element: _Element) -> list[str]:
    """The pieces of text inside an element whose children are all inline."""
    words = [_plain(element.text)]
    for child in element:
        _add_inline(child, words)
        words.append(_plain(child.tail))
    return words


def _add_inline(element: _Element, words: list[str]) -> None:
    """Append what an inline element says; its tail is the caller's."""
    if element.tag == "lb":
        words.append("\n")
    elif element.tag == "del" or not isinstance(element.tag, str):
        return  # what an author struck out is not read
    elif element.get("rend") == "#sup":
        words.append(_superscript(_text(element).strip(), before="".join(words[-3:])[-4:]))
    else:
        words.extend(_words(element))


def _superscript(words: str, *, before: str) -> str:
    """An exponent in superscript digits; a footnote's mark is left out; other words stay."""
    if _EXPONENT.fullmatch(words) and _BASE.search(before):
        return words.translate(_SUPERSCRIPTS)
    return "" if _FOOTNOTE.fullmatch(words) else words


def _is_inline_code(element: _Element) -> bool:
    """Code inside a sentence is words of it; code on its own, or of several lines, is a block."""
    if element.tag != "code" or "\n" in whole_text(element):
        return False
    previous = element.getprevious()
    before = previous.tail if previous is not None else _text_before_children(element)
    return bool(_plain(before).strip() or _plain(element.tail).strip())


def _text_before_children(element: _Element) -> str | None:
    parent = element.getparent()
    return parent.text if parent is not None else None


def _heading(element: _Element) -> str:
    """The heading without the sign that documentation generators append as a link to itself."""
    return _line(_text(element)).rstrip("¶§").rstrip()


def _level(element: _Element) -> int:
    rank = (element.get("rend") or "").removeprefix("h")
    return min(max(int(rank), 1), 6) if rank.isdigit() else 2


def _plain(text: str | None) -> str:
    """A text node with its source's line breaks as spaces: in HTML only `lb` breaks a line."""
    return _SPACES.sub(" ", text or "")


def _line(text: str) -> str:
    return clean_line(text)
