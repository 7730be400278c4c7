"""Show notes for feeds: sanitised once to Apple's list of tags, or plain text, within the limits."""

from __future__ import annotations

import html
import re

import nh3
from django.utils.html import linebreaks, urlize
from django.utils.text import Truncator

from core.text import clean_line, clean_text
from feeds.tidy_html import tidy_html

#: What Apple shows (contracts/rss.md section 1.3); all else goes, its text stays.
_TAGS = {"p", "ol", "ul", "li", "a", "b", "i", "strong", "em", "br"}
_ATTRIBUTES = {"a": {"href"}}
_SCHEMES = {"http", "https", "mailto"}
CLEANER = nh3.Cleaner(tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel=None)
#: Text with one of these is HTML; anything else, `a < b` too, is plain text.
_HTML_TAG = re.compile(
    r"</?(?:p|br|a|b|i|u|em|strong|ul|ol|li|h[1-6]|div|span|blockquote|pre|code|img|table|hr|script)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
#: Blocks outside Apple's list become paragraphs, or their words would run together.
_OTHER_BLOCK = re.compile(
    r"<(/?)(?:h[1-6]|div|blockquote|pre|section|article|header|footer|tr|table|dl|dt|dd|figure)"
    r"(?:\s[^<>]*)?>",
    re.IGNORECASE,
)
#: Where `urlize` may see a link in text without "@" and "://".
_LINKED_NAME = re.compile(r"\.(?:(?<=www\.)|com|edu|gov|int|mil|net|org)", re.IGNORECASE)
_EMPTY_PARAGRAPH = re.compile(r"<p>\s*</p>\s*")
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

NOTES_BYTES = 4_000
LINE_CHARACTERS = 255


def notes_html(text: str) -> str:
    """`text`, plain or HTML, as HTML with no other tags than Apple's; "" when nothing is left."""
    text = clean_text(text)
    if not _HTML_TAG.search(text):
        return _EMPTY_PARAGRAPH.sub("", _paragraphs(text)).strip()
    tidy = tidy_html(text)
    if tidy is not None:
        return _EMPTY_PARAGRAPH.sub("", tidy).strip()
    clean = _EMPTY_PARAGRAPH.sub("", CLEANER.clean(_OTHER_BLOCK.sub(r"<\1p>", text)))
    # Again where a character reference such as &#1; only now became a character.
    return clean_text(clean) if "&#" in text else clean.strip()


def _paragraphs(text: str) -> str:
    """Plain text as HTML that is clean already, with its addresses as links."""
    if "@" in text or "://" in text or _LINKED_NAME.search(text):
        return CLEANER.clean(linebreaks(urlize(text, autoescape=True), autoescape=False))
    escaped = html.escape(text, quote=False).replace("\N{NO-BREAK SPACE}", "&nbsp;")
    return linebreaks(escaped, autoescape=False)


def plain_text(text: str) -> str:
    """`text` without any tag, for places where readers show HTML as it stands."""
    text = clean_text(text)
    if _HTML_TAG.search(text):
        # A space for each tag that ends a line, so that words on both sides stay apart.
        spaced = re.sub(r"<(?:br|/p|/li|/h[1-6]|/div)\b[^<>]*>", "\n", text, flags=re.IGNORECASE)
        text = html.unescape(nh3.clean(spaced, tags=set()))
    return clean_text(text)


def cut_html(notes: str, *, limit: int = NOTES_BYTES) -> str:
    """`notes` (well-formed HTML) cut to `limit` bytes of UTF-8, every tag still closed."""
    characters = limit
    cut = notes
    while len(cut.encode()) > limit:
        cut = Truncator(notes).chars(characters, html=True)
        # Tags and wide characters take bytes that the count of characters does not see.
        characters = characters * 9 // 10
    return cut


def cut_text(text: str, *, limit: int = NOTES_BYTES) -> str:
    """`text` cut to `limit` bytes of UTF-8 at a word's end if possible, with an ellipsis."""
    if len(text.encode()) <= limit:
        return text
    kept = text.encode()[: limit - len(_ELLIPSIS.encode())].decode("utf-8", "ignore")
    return kept.rsplit(None, 1)[0].rstrip() + _ELLIPSIS if " " in kept else kept + _ELLIPSIS


def one_line(text: str | None, *, limit: int = LINE_CHARACTERS) -> str:
    """`text` on one line of at most `limit` characters."""
    line = clean_line(text or "")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + _ELLIPSIS


def cdata(text: str) -> str:
    """`text` as a CDATA section; its end mark inside the text is split over two sections."""
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"
