"""Finds the article in a page or a plain text: its words in order, and what is known about it."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import islice
from urllib.parse import urljoin

import trafilatura
from django.conf import settings
from lxml.etree import Comment, ProcessingInstruction, _Element
from lxml.html import HtmlElement
from trafilatura.settings import Document as Extracted
from trafilatura.utils import load_html

from core.errors import Upstream
from core.text import clean_line, clean_text
from core.web_addresses import UrlInvalid, parse_url
from narration.blocks import blocks_of
from narration.diagnosis import ArticleNotFound, obstacle, why_no_article
from narration.furniture import parted
from narration.languages import language_of
from narration.parts import lost_link_lists, parts_of, with_parts
from narration.slimming import slimmed
from narration.titles import TITLE_LENGTH, page_title, shorten, title_of, without_title
from production.document import Block, Document, document_from_text

#: Far more than articles have; the time and memory to extract grow with them (at this many, seconds).
MAXIMUM_ELEMENTS = 50_000
#: Many times what any plan allows to be read.
MAX_CHARACTERS = 2_000_000
DESCRIPTION_LENGTH = 600
_TAG = re.compile("<[a-z]", re.IGNORECASE)
_UNREAD = frozenset({"script", "style", "template", "noscript", Comment, ProcessingInstruction})
_REFERENCE = re.compile(r"&#(x[0-9a-f]{1,8}|[0-9]{1,9});?", re.IGNORECASE | re.ASCII)
#: Where a word may be broken: soft hyphen, zero width space, word joiner, byte order mark. Unlike the
#: zero width joiners of Persian and Indic scripts they are no part of any word.
_BREAKS = frozenset("\u00ad\u200b\u2060\ufeff")
_BREAK = re.compile("[" + "".join(sorted(_BREAKS)) + "]|&(?:shy|ZeroWidthSpace|NoBreak);")


class PageTooComplex(Upstream):
    """The page has more elements than any article needs."""

    code = "page_too_complex"


@dataclass(frozen=True, slots=True)
class Article:
    """An article. Texts are clean single lines, "" when unknown; addresses are valid or "".

    `spoken_title` is "" where the title was made from the first sentence, which would be said twice.
    """

    title: str
    spoken_title: str
    author: str
    description: str
    site_name: str
    language: str
    url: str
    canonical_url: str
    published_date: date | None
    image_url: str
    document: Document

    @property
    def characters(self) -> int:
        """The length of all text that may be read aloud."""
        return sum(len(block.text) for block in self.document.blocks)


def article_from_html(html: str, *, url: str) -> Article:
    """The article of the page at `url`. Raises `ArticleNotFound` or `PageTooComplex`."""
    html = slimmed(html)
    _refuse_too_many_tags(html)
    tree = load_html(_without_control_characters(html))
    if tree is None:
        raise ArticleNotFound("Could not extract article content: the page is empty or broken.")
    _refuse_too_complex(tree)
    parts = parts_of(tree)
    found = _extracted(tree, url=url)
    whole = with_parts(_blocks(found), parts)
    least = settings.NARRATION_MINIMUM_CHARACTERS
    everything = text_of(whole)
    if len(everything) < least:
        raise why_no_article(tree)
    refusal = obstacle(tree, everything)
    if refusal is not None:
        raise refusal
    strict = _blocks(_extracted(tree, url=url, is_strict=True))
    blocks, furniture = parted(whole, strict, least=least)
    text = text_of(blocks)
    site_name = shorten(clean_line(found.sitename or ""), TITLE_LENGTH)
    title = page_title(
        tree, blocks, guess=found.title or "", site_name=site_name or (found.hostname or "")
    ) or title_of(blocks)
    return Article(
        title=title,
        spoken_title=title,
        author=_authors(found.author),
        description=shorten(clean_line(found.description or ""), DESCRIPTION_LENGTH)
        or description_of(blocks),
        site_name=site_name,
        language=(language := language_of(text, declared=_declared_language(tree))),
        url=url,
        canonical_url=_address(found.url, base=url),
        published_date=_date(found.date),
        image_url=_address(found.image, base=url),
        document=Document(
            without_title(blocks, title),
            language,
            (*lost_link_lists(whole, parts), *furniture),
        ),
    )


def article_from_text(text: str, *, url: str = "", title: str = "") -> Article:
    """A plain text or Markdown as an article, however short.

    With a `title` given, a first heading that says something else stays part of the text. Raises
    `PageTooComplex` for far more than anybody wants to hear.
    """
    if len(text) > MAX_CHARACTERS:
        raise _too_long()
    return article_from_blocks(document_from_text(text).blocks, url=url, title=title)


def article_from_blocks(
    blocks: tuple[Block, ...],
    *,
    url: str = "",
    title: str = "",
    author: str = "",
    language: str = "",
) -> Article:
    """Blocks of which every one is text, as an article, however short.

    `language` is what the source says of itself; it counts as little as a page's.
    """
    has_heading = bool(title) or any(block.kind == "heading" for block in blocks)
    title = title or title_of(blocks)
    spoken = language_of(text_of(blocks), declared=language)
    return Article(
        title=title,
        spoken_title=title if has_heading else "",
        author=author,
        description=description_of(blocks),
        site_name="",
        language=spoken,
        url=url,
        canonical_url="",
        published_date=None,
        image_url="",
        document=Document(without_title(blocks, title), spoken),
    )


def description_of(blocks: Iterable[Block]) -> str:
    """The first paragraph of a text, shortened at a sentence's end where there is one."""
    first = next((clean_line(block.text) for block in blocks if block.kind == "paragraph"), "")
    return shorten(first, DESCRIPTION_LENGTH // 2)


def text_of(blocks: Iterable[Block]) -> str:
    """The text of all blocks, one a line."""
    return "\n".join(block.text for block in blocks)


def _extracted(tree: HtmlElement, *, url: str, is_strict: bool = False) -> Extracted:
    found = trafilatura.bare_extraction(
        tree,
        url=url,
        with_metadata=not is_strict,
        favor_precision=is_strict,
        include_comments=False,
        include_formatting=True,
        include_tables=True,
        # A date that the page itself states, or none: the extractor would guess from footers.
        date_extraction_params={"extensive_search": False, "original_date": True},
    )
    # None where nothing was found; the dictionary of its type comes from a deprecated option.
    return found if isinstance(found, Extracted) else Extracted()


def _blocks(found: Extracted) -> tuple[Block, ...]:
    return blocks_of(found.body) if found.body is not None else ()


def _without_control_characters(html: str) -> str:
    """One of them, written out or as a reference, would end the page for the parser.

    What breaks words for the eye goes with them, and an accent of its own joins its letter: such
    words would be strangers to whatever reads them.
    """
    html = _BREAK.sub("", _REFERENCE.sub(_harmless_reference, clean_text(html)))
    return unicodedata.normalize("NFC", html)


def _harmless_reference(reference: re.Match[str]) -> str:
    number = reference[1].lower()
    code = int(number[1:], 16) if number.startswith("x") else int(number)
    is_text = (
        code <= sys.maxunicode
        and chr(code) not in _BREAKS
        and (chr(code).isspace() or clean_text(chr(code)))
    )
    return reference[0] if is_text else ""


def _refuse_too_many_tags(html: str) -> None:
    """What would be refused as a tree needs no tree, which takes a hundred times the memory."""
    if sum(1 for _tag in islice(_TAG.finditer(html), 2 * MAXIMUM_ELEMENTS)) >= 2 * MAXIMUM_ELEMENTS:
        raise _too_complex()


def _refuse_too_complex(tree: _Element) -> None:
    characters = 0
    for count, element in enumerate(tree.iter()):
        if count > MAXIMUM_ELEMENTS:
            raise _too_complex()
        if element.tag not in _UNREAD:
            characters += len(element.text or "")
        characters += len(element.tail or "")
        if characters > MAX_CHARACTERS:
            raise _too_long()


def _too_complex() -> PageTooComplex:
    return PageTooComplex(
        f"Article content too large: the page has over {MAXIMUM_ELEMENTS:,} elements."
    )


def _too_long() -> PageTooComplex:
    return PageTooComplex(
        f"Article content too large: there are over {MAX_CHARACTERS:,} characters of text."
    )


def _authors(found: str | None) -> str:
    """Trafilatura parts several authors by semicolons."""
    names = [clean_line(name) for name in (found or "").split(";")]
    names = [name for name in names if name and "://" not in name]
    joined = " and ".join(part for part in (", ".join(names[:-1]), "".join(names[-1:])) if part)
    return shorten(joined, TITLE_LENGTH)


def _declared_language(tree: _Element) -> str:
    root = tree if tree.tag == "html" else next(tree.iter("html"), tree)
    return str(root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or "")


def _address(text: str | None, *, base: str) -> str:
    try:
        return str(parse_url(urljoin(base, text.strip()))) if text else ""
    except (UrlInvalid, ValueError):
        return ""


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
