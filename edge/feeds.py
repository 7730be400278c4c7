"""A feed at the door: its bytes, plain and gzipped, and every answer to them made in advance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from analytics.delivery import CORS_HEADERS
from core.http_semantics import accepts_gzip, none_match_hits, wants_html
from edge.answers import Answer, make_answer
from feeds.store import StoredFeed

#: Pairs of Accept-Encoding and Accept that a process remembers, if they are of a usual length.
_MOST_PAIRS = 2_000
_LONGEST_HEADER = 200


@dataclass(frozen=True, slots=True)
class _Variant:
    unchanged: Answer
    head: Answer
    found: Answer


class FeedEntry:
    """One page of one show's feed.

    There is no Last-Modified: AntennaPod would prefer it to the ETag, and stop sending it after
    three days. Caches must ask again each time, which a 304 makes cheap, so that a deleted episode
    is gone at once (contracts/podclaw.md A33); no shared cache may keep a private feed.
    """

    __slots__ = ("_tags", "_variants", "slot", "stamp", "used", "weight")

    def __init__(self, feed: StoredFeed, *, is_private: bool) -> None:
        plain, gzipped = f'"{feed.content_digest}"', f'"{feed.content_digest}-gzip"'
        #: Either form will do: who holds one of them has this document.
        self._tags = (plain, gzipped)
        self._variants = {
            (compressed, browser): _variant(
                feed, gzipped if compressed else plain, compressed, browser, is_private=is_private
            )
            for compressed in (False, True)
            for browser in (False, True)
        }
        self.slot = self.stamp = 0
        self.used = True
        self.weight = len(feed.plain) + len(feed.gzipped)

    def answer(self, environ: Mapping[str, object]) -> Answer:
        """304 to who has it, else the bytes in the form that the client asks for."""
        encoding = str(environ.get("HTTP_ACCEPT_ENCODING", ""))
        accept = str(environ.get("HTTP_ACCEPT", ""))
        usual = len(encoding) + len(accept) <= _LONGEST_HEADER
        variant = self._variants[(remembered_form if usual else _form)(encoding, accept)]
        held = environ.get("HTTP_IF_NONE_MATCH")
        if held is not None and (held in self._tags or none_match_hits(str(held), *self._tags)):
            return variant.unchanged
        return variant.head if environ["REQUEST_METHOD"] == "HEAD" else variant.found

    def shed(self) -> None:
        """Nothing is given up one by one."""


def _form(encoding: str, accept: str) -> tuple[bool, bool]:
    """Whether the client takes gzip, and whether it is a browser."""
    return accepts_gzip(encoding), wants_html(accept)


#: One memory for all feeds: made-up headers push each other out of it, and cost nothing beside it.
remembered_form = lru_cache(maxsize=_MOST_PAIRS)(_form)


def _variant(
    feed: StoredFeed, tag: str, compressed: bool, browser: bool, *, is_private: bool
) -> _Variant:
    headers = {
        "ETag": tag,
        "Cache-Control": f"{'private' if is_private else 'public'}, max-age=0, must-revalidate",
        "Vary": "Accept, Accept-Encoding",
        **CORS_HEADERS,
    }
    if is_private:
        headers["X-Robots-Tag"] = "noindex"
    body = feed.gzipped if compressed else feed.plain
    # Browsers show text/xml with its stylesheet; with the right type they offer a download.
    media_type = "text/xml" if browser else "application/rss+xml"
    full = {
        **headers,
        "Content-Type": f"{media_type}; charset=utf-8",
        "Content-Length": str(len(body)),
        "X-Content-Type-Options": "nosniff",
        **({"Content-Encoding": "gzip"} if compressed else {}),
    }
    return _Variant(
        unchanged=make_answer(304, headers),
        head=make_answer(200, full),
        found=make_answer(200, full, [body]),
    )
