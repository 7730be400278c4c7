"""Inline Markdown: what is left of a block's text when its marks, images and tags are gone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

# Stands for a line break that the author asked for; "\n" is one that may only be wrapping.
HARD_BREAK = "\v"

References = Mapping[str, Mapping[str, str]]

# Marks inside a longer block are not read at once: the parser's cost grows faster than the text.
LONGEST_INLINE = 20_000

_MARKDOWN = (
    MarkdownIt("commonmark", {"html": True})
    .enable(["table", "strikethrough"])
    .disable(["code", "html_block"])
)
# Only what is clearly an address: "[Ann]: Welcome." is somebody speaking.
_LINK_DEFINITION = re.compile(
    r"^ {0,3}\[([^\[\]^\n]{1,200})\]:[ \t]*<?(?:[a-z]{2,10}://|mailto:|www\.|\.{0,2}/|#)\S*"
    r"(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^)\n]*\)))?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_FOOTNOTE = re.compile(r"\[\^[\w-]{1,20}\]:?")
_HTML_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|figcaption|figure|font|"
    r"h[1-6]|hr|i|img|ins|kbd|li|mark|ol|p|pre|q|s|samp|section|small|span|strike|strong|sub|sup|"
    r"table|tbody|td|th|thead|tr|tt|u|ul|var)\b|<!--",
    re.IGNORECASE,
)
_HTML_BREAK = re.compile(r"</?(?:br|p|div|li|h[1-6]|tr|dd|dt|blockquote)\b", re.IGNORECASE)


def take_link_definitions(text: str) -> tuple[str, References]:
    """Return the text without its link definitions, and these for `plain_text`."""
    references = {
        normalizeReference(found[1]): {"href": "", "title": ""}
        for found in _LINK_DEFINITION.finditer(text)
    }
    return _LINK_DEFINITION.sub("", text), references


def plain_text(content: str, references: References) -> str:
    """Return the text of inline Markdown with line feeds and HARD_BREAKs."""
    content = _FOOTNOTE.sub("", content)
    return "".join(_plain_piece(piece, references) for piece in _pieces(content))


def _pieces(content: str) -> Iterator[str]:
    while len(content) > LONGEST_INLINE:
        cut = content.rfind(" ", LONGEST_INLINE // 2, LONGEST_INLINE) + 1 or LONGEST_INLINE
        yield content[:cut]
        content = content[cut:]
    yield content


def _plain_piece(content: str, references: References) -> str:
    stripped = content.strip()
    children: list[Token] = []
    _MARKDOWN.inline.parse(stripped, _MARKDOWN, {"references": references}, children)
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
            return HARD_BREAK
        case "html_inline":
            return _plain_tag(token.content)
        case _:
            return ""


def _plain_tag(tag: str) -> str:
    if _HTML_BREAK.match(tag):
        return HARD_BREAK
    # "<Enter>" and "a <b and c> d" are somebody's words.
    return "" if _HTML_TAG.match(tag) else tag
