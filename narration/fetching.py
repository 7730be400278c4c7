"""Gets the article at an address: fetch, check what it is, decode, extract."""

from __future__ import annotations

from collections.abc import Callable

from core.errors import Upstream
from core.http import BadStatus, Fetched, TooLarge, fetch
from narration.decoding import decode_page
from narration.extraction import Article, article_from_html, article_from_text

MAX_PAGE_BYTES = 10_000_000
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


def fetch_article(url: str, *, get: Callable[..., Fetched] = fetch) -> Article:
    """The article at `url`, at most 10 MB in 15 seconds.

    Raises the errors of `core.http.fetch`, `NotAnArticle`, `ArticleNotFound`, `PageTooComplex`; the
    messages are for the person who sent the address.
    """
    try:
        fetched = get(
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
    text = decode_page(fetched.body, charset=fetched.charset)
    if _is_html(fetched.content_type, text):
        return article_from_html(text, url=fetched.url)
    return article_from_text(text, url=fetched.url)


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
