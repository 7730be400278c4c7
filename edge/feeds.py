"""A feed at the door: every answer to it made in advance, its bytes read when somebody wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    compressed: bool
    unchanged: Answer
    head: Answer


class FeedEntry:
    """One page of one show's feed; `read_body` gives its bytes, gzipped or plain.

    There is no Last-Modified: AntennaPod would prefer it to the ETag, and stop sending it after
    three days. Caches must ask again each time, which a 304 makes cheap, so that a deleted episode
    is gone at once (contracts/podclaw.md A33); no shared cache may keep a private feed.
    """

    __slots__ = (
        *("_bodies", "_read_body", "_tags", "_variants", "_weigh"),
        *("kept", "slot", "stamp", "used", "weight"),
    )

    def __init__(
        self,
        feed: StoredFeed,
        *,
        is_private: bool,
        read_body: Callable[[bool], bytes],
        weigh: Callable[[FeedEntry], None],
        kept: Callable[[Callable[[], bool]], None],
    ) -> None:
        """`weigh` is called when the entry has become heavier; `kept` see below."""
        plain, gzipped = f'"{feed.content_digest}"', f'"{feed.content_digest}-gzip"'
        #: Either form will do: who holds one of them has this document.
        self._tags = (plain, gzipped)
        self._variants = {
            (compressed, browser): _variant(feed, compressed, browser, is_private=is_private)
            for compressed in (False, True)
            for browser in (False, True)
        }
        self._bodies: dict[bool, list[bytes]] = {}
        self._read_body = read_body
        self._weigh = weigh
        #: Called once the entry is on the shelf, with what tells whether it is still the present one.
        self.kept = kept
        self.slot = self.stamp = self.weight = 0
        self.used = True

    def answer(self, environ: Mapping[str, object]) -> Answer:
        """304 to who has it, else the bytes in the form that the client asks for."""
        encoding = str(environ.get("HTTP_ACCEPT_ENCODING", ""))
        accept = str(environ.get("HTTP_ACCEPT", ""))
        usual = len(encoding) + len(accept) <= _LONGEST_HEADER
        variant = self._variants[(remembered_form if usual else _form)(encoding, accept)]
        held = environ.get("HTTP_IF_NONE_MATCH")
        if held is not None and (held in self._tags or none_match_hits(str(held), *self._tags)):
            return variant.unchanged
        if environ["REQUEST_METHOD"] == "HEAD":
            return variant.head
        body = self._bodies.get(variant.compressed)
        if body is None:
            body = self._body(variant.compressed)
        return Answer(variant.head[0], variant.head[1], body)

    def shed(self) -> None:
        """Give up the bytes, which the files still have: most clients get a 304 and need none."""
        self._bodies = {}

    def measure(self) -> int:
        """Bytes of the forms that were asked for so far."""
        return sum(len(body[0]) for body in self._bodies.values())

    def _body(self, compressed: bool) -> list[bytes]:
        body = [self._read_body(compressed)]
        self._bodies[compressed] = body
        self._weigh(self)
        return body


def _form(encoding: str, accept: str) -> tuple[bool, bool]:
    """Whether the client takes gzip, and whether it is a browser."""
    return accepts_gzip(encoding), wants_html(accept)


#: One memory for all feeds: made-up headers push each other out of it, and cost nothing beside it.
remembered_form = lru_cache(maxsize=_MOST_PAIRS)(_form)


def _variant(feed: StoredFeed, compressed: bool, browser: bool, *, is_private: bool) -> _Variant:
    headers = {
        "ETag": f'"{feed.content_digest}{"-gzip" if compressed else ""}"',
        "Cache-Control": f"{'private' if is_private else 'public'}, max-age=0, must-revalidate",
        "Vary": "Accept, Accept-Encoding",
        **CORS_HEADERS,
    }
    if is_private:
        headers["X-Robots-Tag"] = "noindex"
    # Browsers show text/xml with its stylesheet; with the right type they offer a download.
    media_type = "text/xml" if browser else "application/rss+xml"
    full = {
        **headers,
        "Content-Type": f"{media_type}; charset=utf-8",
        "Content-Length": str(feed.gzip_bytes if compressed else feed.plain_bytes),
        "X-Content-Type-Options": "nosniff",
        **({"Content-Encoding": "gzip"} if compressed else {}),
    }
    return _Variant(compressed, make_answer(304, headers), make_answer(200, full))
