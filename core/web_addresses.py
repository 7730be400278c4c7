"""Reads a web address that a stranger gave: http(s) only, nothing odd in it, no network touched."""

from __future__ import annotations

import re

import httpx

from core.errors import Invalid

MAX_URL_LENGTH = 8_000
_LAST_PORT = 65_535
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?", re.ASCII)
_UNWANTED = re.compile(r"[\x00-\x20\x7f\\]")


class UrlInvalid(Invalid):
    """The URL is not an http(s) one, or is malformed, or carries a user name or password."""

    code = "url_invalid"


def parse_url(text: str) -> httpx.URL:
    """The normalised URL, or `UrlInvalid`; touches no network.

    Surrounding white space is forgiven; control characters, inner spaces, backslashes, user names,
    unusual host names and ports outside 1-65535 are not.
    """
    if not isinstance(text, str) or not text.strip():
        raise UrlInvalid("A URL is needed.", field="url")
    stripped = text.strip()
    if len(stripped) > MAX_URL_LENGTH:
        raise UrlInvalid(f"The URL is longer than {MAX_URL_LENGTH:,} characters.", field="url")
    if _UNWANTED.search(stripped):
        raise UrlInvalid("The URL contains spaces, backslashes or control characters.", field="url")
    try:
        url = httpx.URL(stripped)
        host = url.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlInvalid("The URL is malformed.", field="url") from error
    if url.scheme not in {"http", "https"}:
        raise UrlInvalid("The URL must start with http:// or https://.", field="url")
    if url.userinfo:
        raise UrlInvalid("The URL must not contain a user name or password.", field="url")
    if not (_HOST.fullmatch(host.rstrip(".")) or (":" in host and "%" not in host)):
        raise UrlInvalid("The URL has no valid host name.", field="url")
    if url.port is not None and not 1 <= url.port <= _LAST_PORT:
        raise UrlInvalid("The URL has an impossible port.", field="url")
    return url.copy_with(port=None) if url.port == _DEFAULT_PORTS[url.scheme] else url
