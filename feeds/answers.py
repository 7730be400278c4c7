"""What to answer for a feed: pure rules, for Django and for the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.http_semantics import accepts_gzip, none_match_hits, wants_html
from feeds.store import StoredFeed

METHODS = "GET, HEAD, OPTIONS"
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length, ETag",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT_HEADERS = {
    **CORS_HEADERS,
    "Allow": METHODS,
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "Accept, If-None-Match, X-Requested-With",
    "Access-Control-Max-Age": "86400",
}


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """Status, headers and the bytes to send (none for HEAD and 304)."""

    status: int
    headers: dict[str, str]
    body: bytes


def feed_answer(
    feed: StoredFeed, *, method: str, request_headers: Mapping[str, str], is_private: bool
) -> FeedAnswer:
    """The answer to a GET or HEAD.

    There is no Last-Modified: AntennaPod would prefer it to the ETag, and stop sending it after
    three days. Caches must ask again each time, which a 304 makes cheap, so that a deleted episode
    is gone at once (contracts/podclaw.md A33); no shared cache may keep a private feed.
    """
    compressed = accepts_gzip(request_headers.get("Accept-Encoding"))
    plain_tag, gzip_tag = f'"{feed.content_digest}"', f'"{feed.content_digest}-gzip"'
    headers = {
        "ETag": gzip_tag if compressed else plain_tag,
        "Cache-Control": f"{'private' if is_private else 'public'}, max-age=0, must-revalidate",
        "Vary": "Accept, Accept-Encoding",
        **CORS_HEADERS,
    }
    if is_private:
        headers["X-Robots-Tag"] = "noindex"
    # Either form will do: who holds one of them has this document.
    if none_match_hits(request_headers.get("If-None-Match"), plain_tag, gzip_tag):
        return FeedAnswer(304, headers, b"")
    # Browsers show text/xml with its stylesheet; with the right type they offer a download.
    media_type = "text/xml" if wants_html(request_headers.get("Accept")) else "application/rss+xml"
    body = feed.gzipped if compressed else feed.plain
    headers |= {
        "Content-Type": f"{media_type}; charset=utf-8",
        "Content-Length": str(len(body)),
        "X-Content-Type-Options": "nosniff",
    }
    if compressed:
        headers["Content-Encoding"] = "gzip"
    return FeedAnswer(200, headers, b"" if method == "HEAD" else body)
