"""The document: a source text as a sequence of blocks, free of markup."""

# ruff: noqa: RUF001 - unusual characters are this module's subject

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from production.inline_marks import HARD_BREAK, References, plain_text, take_link_definitions

BlockKind = Literal[
    "heading",
    "paragraph",
    "list_item",
    "quote",
    "code",
    "table",
    "caption",
    "footnote",
    "link_list",
    "boilerplate",
]

# An underlined paragraph is a heading only when it is as short as one.
LONGEST_UNDERLINED_HEADING = 120
# Lines no longer than this were broken by their author (verse, addresses), not by a program.
LONGEST_VERSE_LINE = 50

# The parser gives up on a text that nests deeper than NESTING and drops the rest of it. Lines that
# could are made plain: a run of markers gets a noncharacter in front, an indentation is cut.
NESTING = 100

# Indented code is not recognised: pasted prose is often indented. HTML blocks neither: their text
# is read as paragraphs with the tags removed.
_BLOCKS_ONLY = (
    MarkdownIt("commonmark", {"maxNesting": NESTING})
    .enable("table")
    .disable(["code", "html_block", "reference", "inline"])
)
_NEW_LINES = re.compile(r"\r\n?|[\u2028\u2029\u0085\f\v]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0\ufdd1\ufeff]")
_FRONT_MATTER = re.compile(r"\A---\n(?:[\w-]{1,40}:[^\n]*\n(?:[ \t-][^\n]*\n)*){1,50}---\n")
# A star inside a word ("2*3*4") is not emphasis; the noncharacter keeps its place.
_STAR = "\ufdd0"
_INNER_STAR = re.compile(r"(?<=\w)\*(?=\w)")
_NO_MARKER = "\ufdd1"
_MARKER_RUN = re.compile(r"^(?=[ \t]*(?:(?:\d{1,9}[.)]|[-+*>])[ \t]*){9})", re.MULTILINE)
_DEEP_INDENTATION = re.compile(r"^[ \t]{40,}", re.MULTILINE)
_SENTENCE_END = re.compile(r"[.!?:;…][\"')\]”’»]*$")
_SPACES = re.compile(r"\s+")
_FOOTNOTE = re.compile(r"\[\^[\w-]{1,20}\]:")
#: A list item that is a link and nothing else.
_LINK = re.compile(
    r"(?:\[[^\[\]\n]{1,300}\](?:\([^()\s]{1,2000}(?:[ \t]+\"[^\"\n]*\")?\)|\[[^\[\]\n]{0,200}\])"
    r"|<https?://[^<>\s]+>|https?://\S+)[.,;]?"
)
#: Fewer links in a row are words of the text.
LINKS_IN_A_LIST = 3
_CONTAINERS: dict[str, BlockKind] = {"list_item_open": "list_item", "blockquote_open": "quote"}


@dataclass(frozen=True, slots=True)
class Block:
    """One block of plain text; `level` is 1 to 6 for headings and 0 otherwise."""

    kind: BlockKind
    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """The blocks in reading order; `language` is a tag such as "en".

    `omitted` is what the source holds besides: never read, only told of.
    """

    blocks: tuple[Block, ...]
    language: str = "en"
    omitted: tuple[Block, ...] = ()


def document_from_text(text: str, *, language: str = "en") -> Document:
    """Read pasted text: Markdown's blocks and marks where there are any, plain prose otherwise.

    Marks, images and raw HTML tags are dropped, links keep their text, hard-wrapped lines are
    joined, numbered items keep their number. Never raises: any text is some document.
    """
    text = _CONTROLS.sub("", _NEW_LINES.sub("\n", text))
    text = _FRONT_MATTER.sub("", text)
    text, references = take_link_definitions(text)
    text = _MARKER_RUN.sub(_NO_MARKER, _DEEP_INDENTATION.sub(" " * 40, text))
    text = _INNER_STAR.sub(_STAR, text)
    read = (
        Block(block.kind, _restored(block.text), block.level) for block in _read(text, references)
    )
    blocks = [block for block in read if block.text]
    return Document(tuple(_with_link_lists(blocks)), language)


def _with_link_lists(blocks: Sequence[Block]) -> Iterator[Block]:
    """Take a link or two in a list for words of the text."""
    for is_link, run in groupby(blocks, key=lambda block: block.kind == "link_list"):
        gathered = list(run)
        is_list = len(gathered) >= LINKS_IN_A_LIST
        for block in gathered:
            yield block if is_list or not is_link else Block("list_item", block.text)


def _restored(text: str) -> str:
    return text.replace(_STAR, "*").replace(_NO_MARKER, "").strip()


def _read(text: str, references: References) -> Iterator[Block]:
    containers: list[BlockKind] = []
    marker = ""
    heading: Token | None = None
    tokens = iter(_BLOCKS_ONLY.parse(text))
    for token in tokens:
        if token.type in _CONTAINERS:
            containers.append(_CONTAINERS[token.type])
            marker = f"{token.info}{token.markup} " if token.info else ""
        elif token.type in {"list_item_close", "blockquote_close"}:
            containers.pop()
        elif token.type == "heading_open":
            heading = token
        elif token.type == "fence":
            yield Block("code", token.content.strip("\n"))
        elif token.type == "table_open":
            yield Block("table", _table(tokens, references))
        elif token.type == "inline":
            plain = plain_text(token.content, references)
            yield from _blocks(plain, heading, _kind_of(token.content, containers), marker)
            heading, marker = None, ""


def _kind_of(content: str, containers: Sequence[BlockKind]) -> BlockKind:
    kind: BlockKind = containers[-1] if containers else "paragraph"
    if _FOOTNOTE.match(content):
        return "footnote"
    return "link_list" if kind == "list_item" and _LINK.fullmatch(content.strip()) else kind


def _table(tokens: Iterator[Token], references: References) -> str:
    """Read on to the end of a table: a line a row, cells parted by strokes."""
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_joined(plain_text(token.content, references)))
    return "\n".join(" | ".join(row) for row in rows)


def _blocks(plain: str, heading: Token | None, kind: BlockKind, marker: str) -> Iterator[Block]:
    if heading is not None and not _is_prose(plain, heading):
        yield Block("heading", _joined(plain), level=int(heading.tag[1]))
        return
    for paragraph in _unwrapped(plain):
        yield Block(kind, f"{marker}{paragraph}")
        marker = ""


def _is_prose(plain: str, heading: Token) -> bool:
    """Tell a paragraph that happens to stand above a rule from an underlined heading."""
    if heading.markup.startswith("#"):
        return False
    return (
        "\n" in plain
        or len(plain) > LONGEST_UNDERLINED_HEADING
        or plain.rstrip().endswith((".", ",", ";", ":"))
    )


def _joined(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


def _unwrapped(text: str) -> Iterator[str]:
    """Join lines broken to fit a width, and part those that their author broke.

    A break is the author's when the next line's first word would still have fitted, the next line
    does not go on in lower case, and either a sentence ends there or all lines are short.
    """
    for part in text.split(HARD_BREAK):
        lines = [line for line in (_joined(line) for line in part.split("\n")) if line]
        if not lines:
            continue
        width = max(map(len, lines))
        gathered = [lines[0]]
        for line, following in pairwise(lines):
            fits = len(line) + 1 + len(following.split(" ", 1)[0]) <= width
            meant = _SENTENCE_END.search(line[-20:]) or width <= LONGEST_VERSE_LINE
            if fits and meant and not following[0].islower():
                yield " ".join(gathered)
                gathered = []
            gathered.append(following)
        yield " ".join(gathered)
