"""Finds the article in what a web server sent: HTML or plain text, of any character set."""

from __future__ import annotations

from django.conf import settings

from core.errors import Upstream
from narration.decoding import decode_page
from narration.diagnosis import ArticleNotFound
from narration.extraction import Article, article_from_html, article_from_text

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXT = frozenset({"text/plain", "text/markdown", "text/x-markdown"})


class NotAnArticle(Upstream):
    """The address leads to a file of a kind that has no article in it."""

    code = "not_an_article"


def article_from_page(body: bytes, *, url: str, content_type: str, charset: str) -> Article:
    """The article in a fetched page or text; the last two are what its server said, "" for nothing.

    Raises `NotAnArticle`, `narration.diagnosis.ArticleNotFound`,
    `narration.extraction.PageTooComplex`.
    """
    text = decode_page(body, charset=charset)
    if _is_html(content_type, text):
        return article_from_html(text, url=url)
    if "\0" in text:
        raise _not_an_article("bytes that are no text")
    article = article_from_text(text, url=url)
    least = settings.NARRATION_MINIMUM_CHARACTERS
    if article.characters < least:
        raise ArticleNotFound(
            "Could not extract article content: the address holds a plain text of fewer than "
            f"{least} characters."
        )
    return article


def _is_html(content_type: str, text: str) -> bool:
    if content_type in _HTML:
        return True
    start = text[:1_000].lstrip("\ufeff \t\r\n").lower()
    looks_like_html = start.startswith(("<!doctype html", "<html"))
    if content_type in _TEXT or (not content_type and "\0" not in text[:1_000]):
        return looks_like_html
    if content_type in {"application/xml", "text/xml"} and "<html" in start:
        return True
    raise _not_an_article(f"a file of the type {content_type or 'unknown'}")


def _not_an_article(what: str) -> NotAnArticle:
    return NotAnArticle(
        f"Could not fetch URL: it is {what}, and only web pages, plain text, and PDF, Word (docx) "
        "and EPUB files can be read. Send its text instead (source_type text)."
    )
