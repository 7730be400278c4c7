"""The document: a source text as a sequence of blocks, free of markup."""

# ruff: noqa: RUF001 - unusual characters are this module's subject

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

BlockKind = Literal["heading", "paragraph", "list_item", "quote", "code", "table", "caption"]

# Marks inside a longer block are not read at once: the parser's cost grows faster than the text.
LONGEST_INLINE = 20_000
# An underlined paragraph is a heading only when it is as short as one.
LONGEST_UNDERLINED_HEADING = 120
# Lines no longer than this were broken by their author (verse, addresses), not by a program.
LONGEST_VERSE_LINE = 50

# Indented code is not recognised: pasted prose is often indented. HTML blocks neither: their text
# is read as paragraphs with the tags removed.
_MARKDOWN = (
    MarkdownIt("commonmark", {"html": True})
    .enable(["table", "strikethrough"])
    .disable(["code", "html_block"])
)
_BLOCKS_ONLY = (
    MarkdownIt("commonmark").enable("table").disable(["code", "html_block", "reference", "inline"])
)
_NEW_LINES = re.compile(r"\r\n?|[\u2028\u2029\u0085\f\v]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0\ufeff]")
_FRONT_MATTER = re.compile(r"\A---\n(?:[\w-]{1,40}:[^\n]*\n(?:[ \t-][^\n]*\n)*){1,50}---\n")
# A star inside a word ("2*3*4") is not emphasis; the noncharacter keeps its place.
_STAR = "\ufdd0"
_INNER_STAR = re.compile(r"(?<=\w)\*(?=\w)")
_LINK_DEFINITION = re.compile(r"^ {0,3}\[[^\]^\n]{1,200}\]:[ \t]*\S+[^\n]*$", re.MULTILINE)
_FOOTNOTE = re.compile(r"\[\^[\w-]{1,20}\]:?")
_HTML_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|figcaption|figure|font|"
    r"h[1-6]|hr|i|img|ins|kbd|li|mark|ol|p|pre|q|s|samp|section|small|span|strike|strong|sub|sup|"
    r"table|tbody|td|th|thead|tr|tt|u|ul|var)\b|<!--",
    re.IGNORECASE,
)
_HTML_BREAK = re.compile(r"</?(?:br|p|div|li|h[1-6]|tr|dd|dt|blockquote)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?:;…][\"')\]”’»]*$")
_SPACES = re.compile(r"\s+")
_HARD_BREAK = "\v"
_CONTAINERS: dict[str, BlockKind] = {"list_item_open": "list_item", "blockquote_open": "quote"}


@dataclass(frozen=True, slots=True)
class Block:
    """One block of plain text; `level` is 1 to 6 for headings and 0 otherwise."""

    kind: BlockKind
    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """The blocks in reading order; `language` is a tag such as "en"."""

    blocks: tuple[Block, ...]
    language: str = "en"


def document_from_text(text: str, *, language: str = "en") -> Document:
    """Read pasted text: Markdown's blocks and marks where there are any, plain prose otherwise.

    Marks, images and raw HTML tags are dropped, links keep their text, hard-wrapped lines are
    joined, numbered items keep their number. Never raises: any text is some document.
    """
    text = _CONTROLS.sub("", _NEW_LINES.sub("\n", text))
    text = _LINK_DEFINITION.sub("", _FRONT_MATTER.sub("", text))
    text = _INNER_STAR.sub(_STAR, text)
    blocks = (
        Block(block.kind, block.text.replace(_STAR, "*"), block.level) for block in _read(text)
    )
    return Document(tuple(block for block in blocks if block.text), language)


def _read(text: str) -> Iterator[Block]:
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
            yield Block("table", _table(tokens))
        elif token.type == "inline":
            yield from _blocks(token.content, heading, containers[-1:], marker)
            heading, marker = None, ""


def _table(tokens: Iterator[Token]) -> str:
    """Read on to the end of a table: a line a row, cells parted by strokes."""
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_joined(_plain(token.content)))
    return "\n".join(" | ".join(row) for row in rows)


def _blocks(
    content: str, heading: Token | None, container: Sequence[BlockKind], marker: str
) -> Iterator[Block]:
    plain = _plain(content)
    if heading is not None and not _is_prose(plain, heading):
        yield Block("heading", _joined(plain), level=int(heading.tag[1]))
        return
    kind: BlockKind = container[0] if container else "paragraph"
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


def _plain(content: str) -> str:
    """Return the text of inline Markdown, with its line breaks."""
    content = _FOOTNOTE.sub("", content)
    return "".join(_plain_piece(piece) for piece in _pieces(content))


def _pieces(content: str) -> Iterator[str]:
    while len(content) > LONGEST_INLINE:
        cut = content.rfind(" ", LONGEST_INLINE // 2, LONGEST_INLINE) + 1 or LONGEST_INLINE
        yield content[:cut]
        content = content[cut:]
    yield content


def _plain_piece(content: str) -> str:
    stripped = content.strip()
    children: list[Token] = []
    _MARKDOWN.inline.parse(stripped, _MARKDOWN, {}, children)
    plain = "".join(_plain_token(child) for child in children)
    before = content[: len(content) - len(content.lstrip())]
    after = content[len(content.rstrip()) :] if stripped else ""
    return before + plain + after


def _plain_token(token: Token) -> str:
    match token.type:
        case "text" | "code_inline" | "text_special":
            return token.content
        case "softbreak":
            return "\n"
        case "hardbreak":
            return _HARD_BREAK
        case "html_inline":
            return _plain_tag(token.content)
        case _:
            return ""


def _plain_tag(tag: str) -> str:
    if _HTML_BREAK.match(tag):
        return _HARD_BREAK
    # "<Enter>" and "a <b and c> d" are somebody's words.
    return "" if _HTML_TAG.match(tag) else tag


def _joined(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


def _unwrapped(text: str) -> Iterator[str]:
    """Join lines broken to fit a width, and part those that their author broke.

    A break is the author's when the next line's first word would still have fitted, the next line
    does not go on in lower case, and either a sentence ends there or all lines are short.
    """
    for part in text.split(_HARD_BREAK):
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
