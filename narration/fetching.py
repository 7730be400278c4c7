"""Gets the article at an address: fetches it, checks what it is, decodes and extracts."""

from __future__ import annotations

from django.conf import settings

from core.errors import PodwrightError, Upstream
from core.http import BadStatus, Fetched, TooLarge, fetch
from narration.decoding import decode_page
from narration.diagnosis import ArticleNotFound
from narration.extraction import Article, article_from_html, article_from_text

MAX_PAGE_BYTES = 20_000_000
TIMEOUT_SECONDS = 15.0
_ACCEPT = "text/html, application/xhtml+xml, text/plain;q=0.8, text/markdown;q=0.8"
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXT = frozenset({"text/plain", "text/markdown", "text/x-markdown"})
_STATUS_HINTS = {
    401: "it asks to sign in",
    402: "it asks for payment",
    403: "it refuses to be read by programs, or asks to sign in",
    404: "there is no such page",
    410: "the page was removed",
    429: "it has had too many requests for now",
    451: "it is blocked for legal reasons",
}


class NotAnArticle(Upstream):
    """The address leads to a file of a kind that has no article in it."""

    code = "not_an_article"


def fetch_source(url: str) -> Fetched:
    """What is at `url`, at most 20 MB in 15 seconds.

    Raises the errors of `core.http.fetch`; the messages are for the person who sent the address.
    """
    try:
        return fetch(
            url,
            max_bytes=MAX_PAGE_BYTES,
            timeout=TIMEOUT_SECONDS,
            accept=_ACCEPT,
            headers={"Accept-Language": "en, *;q=0.5"},
        )
    except BadStatus as error:
        raise BadStatus(_status_message(error), details=error.details) from error
    except TooLarge as error:
        raise TooLarge(
            f"Content too large: a page may have at most {MAX_PAGE_BYTES // 1_000_000} MB."
        ) from error
    except PodwrightError as error:
        # The same refusal, in a sentence that says what it refers to.
        error.message = f"Could not fetch URL: {error.message}"
        raise


def article_from(source: Fetched) -> Article:
    """The article in a fetched page or text.

    Raises `NotAnArticle`, `narration.diagnosis.ArticleNotFound`,
    `narration.extraction.PageTooComplex`.
    """
    text = decode_page(source.body, charset=source.charset)
    if _is_html(source.content_type, text):
        return article_from_html(text, url=source.url)
    article = article_from_text(text, url=source.url)
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
    raise NotAnArticle(
        f"Could not fetch URL: it is a file of the type {content_type or 'unknown'}, and only web "
        "pages and plain text can be read. Send its text instead (source_type text)."
    )


def _status_message(error: BadStatus) -> str:
    status = error.details["status"]
    hint = _STATUS_HINTS.get(status) if isinstance(status, int) else None
    return f"Could not fetch URL: {error.message}" + (f" It seems that {hint}." if hint else "")
