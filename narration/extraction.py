"""Finds the article in a page or a plain text: its words in order, and what is known about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from urllib.parse import urljoin

import trafilatura
from lxml.etree import _Element
from lxml.html import HtmlElement
from trafilatura.settings import Document as Extracted
from trafilatura.utils import load_html

from core.errors import Upstream
from core.text import clean_line
from core.web_addresses import UrlInvalid, parse_url
from narration.blocks import blocks_of
from narration.diagnosis import ArticleNotFound, obstacle, why_no_article
from narration.languages import language_of
from narration.limits import MINIMUM_CHARACTERS
from production.document import Block, Document, document_from_text

#: Far more than articles have; the time and memory to extract grow with them (at this many, seconds).
MAXIMUM_ELEMENTS = 80_000
TITLE_LENGTH = 255
DESCRIPTION_LENGTH = 600
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s")
_TITLE_FROM_TEXT = 80


class PageTooComplex(Upstream):
    """The page has more elements than any article needs."""

    code = "page_too_complex"


@dataclass(frozen=True, slots=True)
class Article:
    """An article. Texts are clean single lines, "" when unknown; addresses are valid or ""."""

    title: str
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
        return document_length(self.document)


def article_from_html(html: str, *, url: str) -> Article:
    """The article of the page at `url`. Raises `ArticleNotFound` or `PageTooComplex`."""
    tree = load_html(html)
    if tree is None:
        raise ArticleNotFound("Could not extract article content: the page is empty or broken.")
    _refuse_too_complex(tree)
    found = _extracted(tree, url=url)
    blocks = blocks_of(found.body) if found.body is not None else ()
    text = _text(blocks)
    if len(text) < MINIMUM_CHARACTERS:
        raise why_no_article(tree)
    refusal = obstacle(tree, text)
    if refusal is not None:
        raise refusal
    title = _shorten(clean_line(found.title or ""), TITLE_LENGTH) or title_of(blocks)
    return Article(
        title=title,
        author=_authors(found.author),
        description=_shorten(clean_line(found.description or ""), DESCRIPTION_LENGTH)
        or description_of(blocks),
        site_name=_shorten(clean_line(found.sitename or ""), TITLE_LENGTH),
        language=(language := language_of(text, declared=_declared_language(tree))),
        url=url,
        canonical_url=_address(found.url, base=url),
        published_date=_date(found.date),
        image_url=_address(found.image, base=url),
        document=Document(_without_title(blocks, title), language),
    )


def article_from_text(text: str, *, url: str = "") -> Article:
    """A plain text or Markdown as an article. Raises `ArticleNotFound` when it is too short."""
    document = document_from_text(text)
    words = _text(document.blocks)
    if len(words) < MINIMUM_CHARACTERS:
        raise ArticleNotFound(
            f"Could not extract article content: the text has fewer than {MINIMUM_CHARACTERS} "
            "characters."
        )
    title = title_of(document.blocks)
    language = language_of(words)
    return Article(
        title=title,
        author="",
        description=description_of(document.blocks),
        site_name="",
        language=language,
        url=url,
        canonical_url="",
        published_date=None,
        image_url="",
        document=Document(_without_title(document.blocks, title), language),
    )


def title_of(blocks: Iterable[Block]) -> str:
    """A title for a text that has none: its first heading, else the start of its first sentence."""
    first = ""
    for block in blocks:
        if block.kind == "heading":
            return _shorten(clean_line(block.text), TITLE_LENGTH)
        first = first or (block.text if block.kind in {"paragraph", "quote", "list_item"} else "")
    return _shorten(_SENTENCE_END.split(clean_line(first), maxsplit=1)[0], _TITLE_FROM_TEXT)


def description_of(blocks: Iterable[Block]) -> str:
    """The first paragraph of a text, shortened at a sentence's end where there is one."""
    first = next((clean_line(block.text) for block in blocks if block.kind == "paragraph"), "")
    return _shorten(first, DESCRIPTION_LENGTH // 2)


def document_length(document: Document) -> int:
    """The characters of all blocks."""
    return sum(len(block.text) for block in document.blocks)


def _extracted(tree: HtmlElement, *, url: str) -> Extracted:
    found = trafilatura.bare_extraction(
        tree,
        url=url,
        with_metadata=True,
        include_comments=False,
        include_formatting=True,
        include_tables=True,
    )
    # None where nothing was found; the dictionary of its type comes from a deprecated option.
    return found if isinstance(found, Extracted) else Extracted()


def _refuse_too_complex(tree: _Element) -> None:
    for count, _element in enumerate(tree.iter()):
        if count > MAXIMUM_ELEMENTS:
            raise PageTooComplex(
                f"Article content too large: the page has over {MAXIMUM_ELEMENTS:,} elements."
            )


def _text(blocks: Iterable[Block]) -> str:
    return "\n".join(block.text for block in blocks)


def _without_title(blocks: tuple[Block, ...], title: str) -> tuple[Block, ...]:
    """The title is spoken anyway; the page's own heading would say it twice."""
    for index, block in enumerate(blocks[:3]):
        if block.kind == "heading" and _letters(block.text) == _letters(title):
            return blocks[:index] + blocks[index + 1 :]
    return blocks


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _authors(found: str | None) -> str:
    """Trafilatura parts several authors by semicolons."""
    names = [clean_line(name) for name in (found or "").split(";")]
    names = [name for name in names if name and "://" not in name]
    joined = " and ".join(part for part in (", ".join(names[:-1]), "".join(names[-1:])) if part)
    return _shorten(joined, TITLE_LENGTH)


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


def _shorten(text: str, length: int) -> str:
    """At most `length` characters: whole sentences if they fill half of it, else whole words."""
    if len(text) <= length:
        return text
    cut = text[:length]
    ends = [match.start() for match in _SENTENCE_END.finditer(cut)]
    if ends and ends[-1] >= length // 2:
        return cut[: ends[-1]]
    space = cut.rfind(" ", length // 2, length - 1)
    return (cut[:space] if space > 0 else cut[: length - 1]).rstrip(" ,;:-") + "…"
