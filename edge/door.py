"""The door itself: one WSGI callable that answers listeners from memory and lets all others through.

It knows published artefacts only. What it keeps is compared with the show's stamp before each use
(core/changes.py); only what is new or has changed is asked for, and that is the only query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from django.conf import settings
from django.db import Error as DatabaseFailure
from django.utils.encoding import iri_to_uri

from analytics.delivery import CORS_HEADERS
from analytics.listening import hit_recorder
from core.changes import ChangeStamps, change_stamps
from edge.answers import PREFLIGHT, Answer, make_answer
from edge.feeds import FeedEntry
from edge.fixed import FixedEntry
from edge.media import MediaEntry
from edge.routes import (
    PRIVATE_FEED_ENDED,
    PUBLIC_FEED_ENDED,
    Kind,
    Route,
    find_route,
    page_number,
)
from edge.shelf import Entry, Shelf
from edge.tracks import TrackEntry
from edge.trailers import TrailerEntry
from episodes.addresses import find_published_audio
from episodes.media import MediaFile, find_media
from feeds.addresses import trailer_key
from feeds.facts import PageMissing
from feeds.store import (
    BodyGone,
    FeedStore,
    FeedVersion,
    ShowGone,
    public_version,
    version_by_token,
)

log = structlog.get_logger(__name__)

_P = ParamSpec("_P")
_T = TypeVar("_T")
_LARGEST_ID = 2**63 - 1
_FEEDS = frozenset({Kind.PUBLIC_FEED, Kind.PRIVATE_FEED})
#: How often a state is read again because something changed meanwhile, before it is used once only.
_TRIES = 3


class Aside(Protocol):
    """Calls `work` on another thread; gives what it gives, raises what it raises."""

    def __call__(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Wait for it."""
        ...


class Door:
    """Answers for one DATA_DIR; safe between threads."""

    def __init__(self, data_dir: Path, *, aside: Aside | None = None) -> None:
        """`aside` does what needs the database where that may be used; without it, the caller does."""
        self._aside = aside
        self.shelf = Shelf()
        #: One method for all entries: each would otherwise hold one of its own.
        self._weigh = self.shelf.weigh
        self._stamps = change_stamps().words
        self._feeds = FeedStore(data_dir / "feeds")
        self._recorder = hit_recorder(data_dir, settings.TRUSTED_PROXIES)

    def answer(self, environ: WSGIEnvironment) -> Answer | None:
        """The answer to a request; None for everything that is not the door's."""
        address = environ["PATH_INFO"]
        query = environ.get("QUERY_STRING", "")
        if not query or "page" not in query:
            entry = self.shelf.get(address)
            if entry is not None and entry.stamp == self._stamps[entry.slot]:
                method = environ["REQUEST_METHOD"]
                if method == "GET" or method == "HEAD":  # noqa: PLR1714 - twice as fast as a set
                    entry.used = True
                    try:
                        return entry.answer(environ)
                    except BodyGone:
                        self.shelf.drop(address)
        return self._look(environ, address, query)

    def _look(self, environ: WSGIEnvironment, address: str, query: str) -> Answer | None:
        found = find_route(address)
        method = environ["REQUEST_METHOD"]
        if found is None:
            return None
        if method not in {"GET", "HEAD"}:
            return PREFLIGHT if method == "OPTIONS" else found[0].not_allowed
        return _for_method(self._find(environ, *found, address, query), method)

    def _find(
        self, environ: WSGIEnvironment, route: Route, reference: str, address: str, query: str
    ) -> Answer:
        page = page_number(query) if route.kind in _FEEDS else 1
        if page is None:
            return route.missing
        if page > 1:
            address = f"{address}?page={page}"
        try:
            for _ in range(_TRIES):
                try:
                    entry = self._entry(route, reference, address, page)
                    return route.missing if entry is None else entry.answer(environ)
                except BodyGone:
                    # Replaced between the two reads.
                    self.shelf.drop(address)
        except DatabaseFailure as error:
            log.error("door_without_database", kind=route.kind.value, error=type(error).__name__)  # noqa: TRY400
        return route.unavailable

    def _entry(self, route: Route, reference: str, address: str, page: int) -> Entry | None:
        """What is published at the address, from the shelf or read now; None where nothing is."""
        held = self.shelf.get(address)
        if held is not None and held.stamp == self._stamps[held.slot]:
            held.used = True
            return held
        if self._aside is None:
            return self._read(route.kind, reference, address, page)
        return self._aside(self._read, route.kind, reference, address, page)

    def _read(self, kind: Kind, reference: str, address: str, page: int) -> Entry | None:
        entry: Entry | None = None
        for _ in range(_TRIES):
            before = self._stamps[ChangeStamps.ANY]
            entry, show_id = self._published(kind, reference, page)
            if entry is None or show_id is None:
                self.shelf.drop(address)
                break
            entry.slot = ChangeStamps.slot(show_id)
            entry.stamp = self._stamps[entry.slot]
            # Nothing changed in between, so this is the state of that stamp.
            if self._stamps[ChangeStamps.ANY] == before:
                self.shelf.put(address, entry)
                entry.kept(partial(self._is_current, entry.slot, entry.stamp))
                break
        return entry

    def _is_current(self, slot: int, stamp: int) -> bool:
        return self._stamps[slot] == stamp

    def _published(self, kind: Kind, reference: str, page: int) -> tuple[Entry | None, int | None]:
        """The entry, and the one show whose changes it follows; None for what may not be kept."""
        if kind is Kind.TRACK:
            audio = find_published_audio(reference)
            return (TrackEntry(audio, self._recorder), audio.show_id) if audio else (None, None)
        if kind is Kind.MEDIA:
            return self._file(MediaEntry, find_media(reference))
        if kind is Kind.TRAILER:
            key = trailer_key(int(reference)) if int(reference) <= _LARGEST_ID else None
            return self._file(TrailerEntry, find_media(key) if key else None)
        if kind is Kind.PRIVATE_FEED:
            return self._private_feed(reference, page)
        show_id = int(reference) if len(reference) <= len(str(_LARGEST_ID)) else _LARGEST_ID + 1
        version = public_version(show_id) if show_id <= _LARGEST_ID else None
        return self._feed(version, page)

    def _file(
        self, kind: type[MediaEntry], file: MediaFile | None
    ) -> tuple[Entry | None, int | None]:
        if file is None:
            return None, None
        return kind(file, self._recorder, self._weigh), file.owner_id

    def _private_feed(self, token: str, page: int) -> tuple[Entry | None, int | None]:
        version = version_by_token(token)
        if version is None or version.is_private:
            return self._feed(version, page, token=token)
        # The show became public: its feed moved for good to its address by id.
        location = f"{settings.PUBLIC_URL}/api/shows/{version.show_id}/feed"
        return _moved(version.new_feed_url or location), version.show_id

    def _feed(
        self, version: FeedVersion | None, page: int, *, token: str | None = None
    ) -> tuple[Entry | None, int | None]:
        if version is None:
            return None, None
        if version.new_feed_url:
            # Straight to the new address: AntennaPod stores the first hop only (rss.md 1.8).
            return _moved(version.new_feed_url), version.show_id
        if version.is_retired:
            ended = PRIVATE_FEED_ENDED if version.is_private else PUBLIC_FEED_ENDED
            return FixedEntry(ended), version.show_id
        try:
            feed = self._feeds.get(version, page=page)
        except (PageMissing, ShowGone):
            return None, None
        if token == version.feed_token:
            token = None
        if token is not None:
            feed = self._feeds.for_listener(feed, version, token=token)
        entry = FeedEntry(
            feed, version, page=page, token=token, files=self._feeds, weigh=self._weigh
        )
        return entry, version.show_id


def _moved(location: str) -> FixedEntry:
    headers = {"Location": iri_to_uri(location), "Content-Length": "0", **CORS_HEADERS}
    return FixedEntry(make_answer(301, headers))


def _for_method(answer: Answer, method: str) -> Answer:
    return answer._replace(body=[]) if method == "HEAD" else answer


def door() -> Door:
    """The door for the present settings, inside of Django's own handling of requests."""
    return _door_for(
        settings.DATA_DIR,
        settings.PUBLIC_URL,
        settings.PUBLIC_MEDIA_URL,
        settings.OP3_PREFIX,
        settings.TRUSTED_PROXIES,
    )


@lru_cache(maxsize=1)
def _door_for(data_dir: Path, *settings_that_answers_hold: object) -> Door:
    return Door(data_dir)


def forget_everything() -> None:
    """Begin with an empty door, as a new process does."""
    _door_for.cache_clear()


def before(behind: WSGIApplication, *, aside: Aside | None = None) -> WSGIApplication:
    """The WSGI application that asks the door first, then `behind`; `Door` explains `aside`."""
    find = Door(settings.DATA_DIR, aside=aside).answer

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = find(environ)
        if answer is None:
            return behind(environ, start_response)
        start_response(answer[0], answer[1])
        return answer[2]

    return application
