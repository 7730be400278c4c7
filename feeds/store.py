"""Keeps each feed's bytes, plain and gzipped, in memory and in files, and renders it when it changed."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from django.conf import settings
from django.db.models import Q

from feeds.facts import PAGE_ITEMS, read_channel, read_items
from feeds.rendering import render_feed, templates_digest
from shows.models import Show

log = structlog.get_logger(__name__)

#: What one process holds in memory at most; the files behind it are as quick to read again.
MEMORY_BYTES = 64_000_000
_GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True)
class FeedVersion:
    """Names one state of one show's feed; every public change gives another one."""

    show_id: int
    revision: int
    changed_at: datetime
    feed_token: str
    is_private: bool

    def digest(self) -> str:
        """Also changes with everything outside the database that the document holds."""
        parts = (
            self,
            templates_digest(),
            settings.PUBLIC_URL,
            settings.PUBLIC_MEDIA_URL,
            settings.OP3_PREFIX,
            settings.STATIC_URL,
        )
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredFeed:
    """One page of a feed, ready to send; `content_digest` is of the plain bytes."""

    name: str
    content_digest: str
    plain: bytes
    gzipped: bytes


class ShowGone(Exception):
    """The show was deleted, or changed its visibility, while its feed was being made."""


def public_version(show_id: int) -> FeedVersion | None:
    """The present version of a public show's feed; one query."""
    return _version(Show.objects.public().filter(pk=show_id).values_list(*_COLUMNS).first())


def version_by_token(feed_token: str) -> FeedVersion | None:
    """The present version of the feed with this token, of a private or a public show; one query.

    The token is the show's own, or one of its listeners'.
    """
    own = Q(feed_token=feed_token) | Q(listeners__token=feed_token)
    return _version(Show.objects.filter(own).values_list(*_COLUMNS).first())


def for_listener(feed: StoredFeed, version: FeedVersion, *, token: str) -> StoredFeed:
    """The feed as the holder of `token` gets it: another one's, or the show's, is nowhere in it."""
    if token == version.feed_token:
        return feed
    plain = feed.plain.replace(version.feed_token.encode(), token.encode())
    return StoredFeed(
        name=feed.name,
        content_digest=hashlib.sha256(plain).hexdigest()[:32],
        plain=plain,
        gzipped=gzip.compress(plain, _GZIP_LEVEL, mtime=0),
    )


class FeedStore:
    """Feeds below one folder, one sub-folder a show; safe between threads and between processes."""

    def __init__(self, folder: Path, *, page_items: int = PAGE_ITEMS) -> None:
        self.folder = folder
        self.page_items = page_items
        self.items_rendered = 0
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[int, int], StoredFeed] = OrderedDict()
        self._held_bytes = 0

    def get(self, version: FeedVersion, *, page: int = 1) -> StoredFeed:
        """The feed of `version` or of a later one, made now if need be, by one caller only.

        Raises `facts.PageMissing`, `ShowGone`.
        """
        name = _name(version, page)
        held = self._remembered(version.show_id, page)
        if held is not None and held.name == name:
            return held
        folder = self.folder / str(version.show_id)
        feed = _read(folder, name)
        if feed is None:
            with _single_flight(folder):
                # The version may have gone on while we waited; the newest is as good for everybody.
                show = Show.objects.select_related("account").filter(pk=version.show_id).first()
                if show is None or show.is_private != version.is_private:
                    raise ShowGone
                name = _name(_version_of(show), page)
                feed = _read(folder, name) or self._make(show, folder, name, page)
        self._remember(version.show_id, page, feed)
        return feed

    def _make(self, show: Show, folder: Path, name: str, page: int) -> StoredFeed:
        channel = read_channel(show, page=page, page_items=self.page_items)
        items = read_items(show, page=page, page_items=self.page_items)
        kept_file = folder / f"items-{page}.json"
        kept = _read_fragments(kept_file)
        rendered = render_feed(channel, items, kept=kept)
        self.items_rendered += rendered.newly_rendered
        feed = StoredFeed(
            name=name,
            content_digest=hashlib.sha256(rendered.document).hexdigest()[:32],
            plain=rendered.document,
            # No time of compression inside: equal documents give equal bytes.
            gzipped=gzip.compress(rendered.document, _GZIP_LEVEL, mtime=0),
        )
        try:
            write_durably(folder / f"{name}.xml.gz", feed.gzipped)
            write_durably(folder / f"{name}.xml", feed.plain)
            if rendered.fragments.keys() != kept.keys():
                write_durably(kept_file, json.dumps(rendered.fragments).encode())
            _remove_older(folder, digest=name.partition("-")[0])
        except OSError:
            # A full disk must not take the feed away: it is served from memory.
            log.exception("feed_not_kept", show_id=show.pk)
        return feed

    def _remembered(self, show_id: int, page: int) -> StoredFeed | None:
        with self._lock:
            feed = self._held.get((show_id, page))
            if feed is not None:
                self._held.move_to_end((show_id, page))
            return feed

    def _remember(self, show_id: int, page: int, feed: StoredFeed) -> None:
        with self._lock:
            replaced = self._held.pop((show_id, page), None)
            if replaced is not None:
                self._held_bytes -= _size(replaced)
            self._held[show_id, page] = feed
            self._held_bytes += _size(feed)
            while self._held_bytes > MEMORY_BYTES and len(self._held) > 1:
                _key, oldest = self._held.popitem(last=False)
                self._held_bytes -= _size(oldest)


def write_durably(path: Path, content: bytes) -> None:
    """Replace `path` as a whole: a crash leaves the old content or the new, never a part."""
    draft = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


_COLUMNS = ("pk", "revision", "public_changed_at", "feed_token", "visibility")


def _version(row: tuple[int, int, datetime, str, str] | None) -> FeedVersion | None:
    if row is None:
        return None
    pk, revision, changed_at, feed_token, visibility = row
    return FeedVersion(pk, revision, changed_at, feed_token, visibility == Show.Visibility.PRIVATE)


def _version_of(show: Show) -> FeedVersion:
    return FeedVersion(
        show.pk, show.revision, show.public_changed_at, show.feed_token, show.is_private
    )


def _name(version: FeedVersion, page: int) -> str:
    return f"{version.digest()}-{page}"


def _size(feed: StoredFeed) -> int:
    return len(feed.plain) + len(feed.gzipped)


def _read(folder: Path, name: str) -> StoredFeed | None:
    """The files of one version. The plain one is written last, so it is there only when both are."""
    try:
        plain = (folder / f"{name}.xml").read_bytes()
        gzipped = (folder / f"{name}.xml.gz").read_bytes()
    except OSError:
        return None
    return StoredFeed(name, hashlib.sha256(plain).hexdigest()[:32], plain, gzipped)


def _read_fragments(path: Path) -> dict[str, str]:
    try:
        fragments = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return fragments if isinstance(fragments, dict) else {}


def _remove_older(folder: Path, *, digest: str) -> None:
    for path in folder.glob("*.xml*"):
        if not path.name.startswith(digest):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _single_flight(folder: Path) -> Iterator[None]:
    """One maker a show at a time, over all threads and processes of the machine."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("wb")
    except OSError:
        log.exception("feed_lock_missing")
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
