"""A feed at the door: every answer to it made in advance, its bytes read when somebody wants them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol

from analytics.delivery import CORS_HEADERS
from core.http_semantics import accepts_gzip, none_match_hits, wants_html
from edge.answers import Answer, status_line
from edge.shelf import Entry
from feeds.store import FeedVersion, StoredFeed

#: Pairs of Accept-Encoding and Accept that a process remembers, if they are of a usual length.
_MOST_PAIRS = 2_000
_LONGEST_HEADER = 200
#: What a client takes is the sum of these: a place in the list of a feed's forms.
_GZIP, _BROWSER = 1, 2
_FORMS = 4
#: The list and the answer around a body.
_AROUND_BODY = 168

_Pair = tuple[str, str]
#: All feeds have these in common, so no feed has a copy of its own.
_PUBLIC: tuple[_Pair, ...] = (
    ("Cache-Control", "public, max-age=0, must-revalidate"),
    ("Vary", "Accept, Accept-Encoding"),
    *CORS_HEADERS.items(),
)
_PRIVATE: tuple[_Pair, ...] = (
    ("Cache-Control", "private, max-age=0, must-revalidate"),
    *_PUBLIC[1:],
    ("X-Robots-Tag", "noindex"),
)
_NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
_FOR_READERS: tuple[_Pair, ...] = (
    ("Content-Type", "application/rss+xml; charset=utf-8"),
    _NO_SNIFFING,
)
#: Browsers show text/xml with its stylesheet; with the right type they offer a download.
_FOR_BROWSERS: tuple[_Pair, ...] = (("Content-Type", "text/xml; charset=utf-8"), _NO_SNIFFING)
_GZIPPED: tuple[_Pair, ...] = (("Content-Encoding", "gzip"),)


class FeedFiles(Protocol):
    """Where a feed's bytes are: `feeds.store.FeedStore`."""

    def body(
        self, version: FeedVersion, feed: StoredFeed, compressed: bool, *, token: str | None = None
    ) -> bytes:
        """The bytes to send, to the listener with `token` if it is not the show's own."""
        ...

    def show(
        self, version: FeedVersion, feed: StoredFeed, *, is_current: Callable[[], bool]
    ) -> None:
        """Let a web server send them."""
        ...


class _Form:
    """The answers to clients that take one form; `full` as long as its bytes are held."""

    __slots__ = ("compressed", "full", "head", "unchanged")

    def __init__(self, unchanged: Answer, head: Answer, *, compressed: bool) -> None:
        self.compressed = compressed
        self.unchanged = unchanged
        self.head = head
        self.full: Answer | None = None


class FeedEntry:
    """One page of one show's feed, to all or as the listener with `token` gets it.

    There is no Last-Modified: AntennaPod would prefer it to the ETag, and stop sending it after
    three days. Caches must ask again each time, which a 304 makes cheap, so that a deleted episode
    is gone at once (contracts/podclaw.md A33); no shared cache may keep a private feed.
    """

    __slots__ = (
        *("_feed", "_files", "_forms", "_page", "_tags", "_token", "_version", "_weigh"),
        *("address", "slot", "stamp", "used", "weight"),
    )

    def __init__(
        self,
        feed: StoredFeed,
        version: FeedVersion,
        *,
        page: int = 1,
        token: str | None = None,
        files: FeedFiles,
        weigh: Callable[[Entry], bool],
    ) -> None:
        """`weigh` is called when the weight has changed, and tells whether there is room for it."""
        self._feed = feed
        self._version = version
        self._page = page
        self._token = token
        self._files = files
        self._weigh = weigh
        #: Either form will do: who holds one of them has this document.
        self._tags = (f'"{feed.content_digest}"', f'"{feed.content_digest}-gzip"')
        #: Made when a client first wants one: most feeds are asked for in one or two forms.
        self._forms: list[_Form | None] = [None] * _FORMS
        self.address = ""
        self.slot = self.stamp = self.weight = 0
        self.used = True

    def answer(self, environ: Mapping[str, object]) -> Answer:
        """304 to who has it, else the bytes in the form that the client asks for."""
        encoding = str(environ.get("HTTP_ACCEPT_ENCODING", ""))
        accept = str(environ.get("HTTP_ACCEPT", ""))
        usual = len(encoding) + len(accept) <= _LONGEST_HEADER
        place = (remembered_form if usual else _form_for)(encoding, accept)
        form = self._forms[place]
        if form is None:
            form = self._made(place)
        held = environ.get("HTTP_IF_NONE_MATCH")
        if held is not None and (held in self._tags or none_match_hits(str(held), *self._tags)):
            return form.unchanged
        if environ["REQUEST_METHOD"] == "HEAD":
            return form.head
        full = form.full
        return self._filled(form) if full is None else full

    def kept(self, is_current: Callable[[], bool]) -> None:
        """Let a web server send the first page; a listener's own form of it is no file."""
        if self._page == 1 and self._token is None:
            self._files.show(self._version, self._feed, is_current=is_current)

    def shed(self) -> None:
        """Give up the bytes, which the files still have: most clients get a 304 and need none."""
        for form in self._forms:
            if form is not None:
                form.full = None

    def measure(self) -> int:
        """Bytes of memory that the forms take which were asked for so far."""
        answers = [form.full for form in self._forms if form is not None]
        pieces = [piece for answer in answers if answer is not None for piece in answer.body]
        # While the disk is full, the feed itself holds both forms.
        own = [one for one in (self._feed.plain, self._feed.gzipped) if one is not None]
        return sum(sys.getsizeof(piece) + _AROUND_BODY for piece in (*pieces, *own))

    def _filled(self, form: _Form) -> Answer:
        body = self._files.body(self._version, self._feed, form.compressed, token=self._token)
        full = form.full = form.head._replace(body=[body])
        if not self._weigh(self):
            form.full = None
            self._weigh(self)
        return full

    def _made(self, place: int) -> _Form:
        feed, compressed = self._feed, bool(place & _GZIP)
        unchanged = (
            ("ETag", self._tags[compressed]),
            *(_PRIVATE if self._version.is_private else _PUBLIC),
        )
        size = feed.gzip_bytes if compressed else feed.plain_bytes
        full = (
            *unchanged,
            *(_FOR_BROWSERS if place & _BROWSER else _FOR_READERS),
            ("Content-Length", str(size)),
            *(_GZIPPED if compressed else ()),
        )
        form = self._forms[place] = _Form(
            Answer(status_line(304), list(unchanged)),
            Answer(status_line(200), list(full)),
            compressed=compressed,
        )
        return form


def _form_for(encoding: str, accept: str) -> int:
    """Whether the client takes gzip, and whether it is a browser."""
    return _GZIP * accepts_gzip(encoding) + _BROWSER * wants_html(accept)


#: One memory for all feeds: made-up headers push each other out of it, and cost nothing beside it.
remembered_form = lru_cache(maxsize=_MOST_PAIRS)(_form_for)
