"""Fetches the page at an address, and says for its reader's understanding why it cannot."""

from __future__ import annotations

from core.errors import PodwrightError
from core.http import BadStatus, Fetched, TooLarge, fetch

MAX_PAGE_BYTES = 20_000_000
TIMEOUT_SECONDS = 15.0
_ACCEPT = (
    "text/html, application/xhtml+xml, text/plain;q=0.8, text/markdown;q=0.8, "
    "application/pdf;q=0.5, application/epub+zip;q=0.5, */*;q=0.1"
)
_STATUS_HINTS = {
    401: "it asks to sign in",
    402: "it asks for payment",
    403: "it refuses to be read by programs, or asks to sign in",
    404: "there is no such page",
    410: "the page was removed",
    429: "it has had too many requests for now",
    451: "it is blocked for legal reasons",
}


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


def _status_message(error: BadStatus) -> str:
    status = error.details["status"]
    hint = _STATUS_HINTS.get(status) if isinstance(status, int) else None
    return f"Could not fetch URL: {error.message}" + (f" It seems that {hint}." if hint else "")
