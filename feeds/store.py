"""Keeps each feed's bytes, plain and gzipped, in files, and renders it when it changed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Q

from core.durable_files import write_durably
from feeds.facts import PAGE_ITEMS, ItemRows, read_channel
from feeds.kept import KeptPage, PageTable, read_page, read_table, write_table
from feeds.rendering import render_page, table_of, templates_digest
from feeds.segments import gzip_whole
from feeds.shown_files import show_files
from shows.models import Show

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FeedVersion:
    """Names one state of one show's feed; every public change gives another one."""

    show_id: int
    revision: int
    changed_at: datetime
    feed_token: str
    is_private: bool
    is_retired: bool
    new_feed_url: str | None

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
    """One page of a feed; `content_digest` is of the document, sizes are in bytes.

    `plain` and `gzipped` are here only as long as the files are not: `FeedStore.body` reads them.
    """

    name: str
    content_digest: str
    plain_bytes: int
    gzip_bytes: int
    plain: bytes | None = None
    gzipped: bytes | None = None


class BodyGone(Exception):
    """The files of a page were replaced by those of a newer one."""


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


class FeedStore:
    """Feeds below one folder, one sub-folder a show; safe between threads and between processes."""

    def __init__(self, folder: Path, *, page_items: int = PAGE_ITEMS) -> None:
        self.folder = folder
        self.page_items = page_items
        self.items_rendered = 0

    def get(self, version: FeedVersion, *, page: int = 1) -> StoredFeed:
        """The feed of `version` or of a later one, made now if need be, by one caller only.

        Raises `facts.PageMissing`, `ShowGone`.
        """
        folder = self.folder / str(version.show_id)
        table_file = folder / f"page-{page}"
        feed = _described(folder, _name(version, page), read_table(table_file))
        if feed is not None:
            return feed
        with _single_flight(folder):
            # The version may have gone on while we waited; the newest is as good for everybody.
            show = Show.objects.select_related("account").filter(pk=version.show_id).first()
            if show is None or show.is_private != version.is_private:
                raise ShowGone
            name, table = _name(_version_of(show), page), read_table(table_file)
            feed = _described(folder, name, table)
            return feed or self._make(show, name, page, kept=read_page(folder, table))

    def body(
        self, version: FeedVersion, feed: StoredFeed, compressed: bool, *, token: str | None = None
    ) -> bytes:
        """The bytes to send, to the listener with `token` if it is not the show's own.

        Raises `BodyGone` when a newer feed has taken their place.
        """
        if token is not None:
            plain = self._readdressed(version, feed, token=token)
            return gzip_whole(plain) if compressed else plain
        held = feed.gzipped if compressed else feed.plain
        if held is not None:
            return held
        path = f"{self.folder}/{version.show_id}/{feed.name}.xml"
        if compressed:
            return _read_whole(f"{path}.gz", size=feed.gzip_bytes)
        return _read_whole(path, size=feed.plain_bytes)

    def for_listener(self, feed: StoredFeed, version: FeedVersion, *, token: str) -> StoredFeed:
        """The feed as the holder of `token` gets it: another one's, or the show's, is nowhere in it.

        Only its measures; `body` makes it again when somebody wants it. Raises `BodyGone`.
        """
        plain = self._readdressed(version, feed, token=token)
        return StoredFeed(
            name=feed.name,
            content_digest=hashlib.sha256(plain).hexdigest()[:32],
            plain_bytes=len(plain),
            gzip_bytes=len(gzip_whole(plain)),
            plain=feed.plain,
            gzipped=feed.gzipped,
        )

    def _readdressed(self, version: FeedVersion, feed: StoredFeed, *, token: str) -> bytes:
        plain = self.body(version, feed, compressed=False)
        return plain.replace(version.feed_token.encode(), token.encode())

    def show(
        self, version: FeedVersion, feed: StoredFeed, *, is_current: Callable[[], bool]
    ) -> None:
        """Let a web server send the first page's files, if it has a web server's address."""
        if feed.plain is not None:
            return  # no files: the disk was full
        folder = self.folder / str(version.show_id)
        show_files(
            show_id=version.show_id,
            address=(
                f"feeds/{version.feed_token}.xml"
                if version.is_private
                else f"api/shows/{version.show_id}/feed"
            ),
            plain=folder / f"{feed.name}.xml",
            gzipped=folder / f"{feed.name}.xml.gz",
            content_digest=feed.content_digest,
            is_current=is_current,
        )

    def _make(self, show: Show, name: str, page: int, *, kept: KeptPage) -> StoredFeed:
        folder = self.folder / str(show.pk)
        items = ItemRows(show, page=page, page_items=self.page_items)
        rendered = render_page(
            read_channel(show, items),
            items,
            kept=kept,
            newest=items.facts(items.rows[:1])[0] if items.rows else None,
        )
        self.items_rendered += rendered.newly_rendered
        table = table_of(name, rendered)
        try:
            write_durably(folder / f"{name}.xml.gz", *rendered.gzipped)
            write_durably(folder / f"{name}.xml", *rendered.document)
            write_table(folder / f"page-{page}", table)
            _remove_older(folder, name=name, page=page)
            _remove_beyond(folder, pages=items.pages)
        except OSError:
            # A full disk must not take the feed away: it is served from memory.
            log.exception("feed_not_kept", show_id=show.pk)
            plain, gzipped = b"".join(rendered.document), b"".join(rendered.gzipped)
            return replace(_stored(table), plain=plain, gzipped=gzipped)
        return _stored(table)


def _read_whole(path: str, *, size: int) -> bytes:
    """The file, which has `size` bytes, in a third of the time that `Path.read_bytes` takes."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            content = os.read(descriptor, size)
        finally:
            os.close(descriptor)
    except OSError:
        raise BodyGone from None
    if len(content) != size:
        raise BodyGone
    return content


_COLUMNS = (
    *("pk", "revision", "public_changed_at", "feed_token", "visibility"),
    *("retired_at", "new_feed_url"),
)


def _version(row: tuple[Any, ...] | None) -> FeedVersion | None:
    if row is None:
        return None
    pk, revision, changed_at, feed_token, visibility, retired_at, new_feed_url = row
    return FeedVersion(
        show_id=pk,
        revision=revision,
        changed_at=changed_at,
        feed_token=feed_token,
        is_private=visibility == Show.Visibility.PRIVATE,
        is_retired=retired_at is not None,
        new_feed_url=new_feed_url,
    )


def _version_of(show: Show) -> FeedVersion:
    version = _version(tuple(getattr(show, name) for name in _COLUMNS))
    assert version is not None  # noqa: S101 - for the type checker
    return version


def _name(version: FeedVersion, page: int) -> str:
    return f"{version.digest()}-{page}"


def _stored(table: PageTable) -> StoredFeed:
    return StoredFeed(table.name, table.content_digest, table.plain_bytes, table.gzip_bytes)


def _described(folder: Path, name: str, table: PageTable | None) -> StoredFeed | None:
    """The page as its table describes it, if that is the one of `name` and its files are there."""
    if table is None or table.name != name:
        return None
    try:
        sizes = [(folder / f"{name}{suffix}").stat().st_size for suffix in (".xml", ".xml.gz")]
    except OSError:
        return None
    return _stored(table) if sizes == [table.plain_bytes, table.gzip_bytes] else None


def _remove_older(folder: Path, *, name: str, page: int) -> None:
    """Remove what the page was before; the parts of other pages are still wanted."""
    for path in folder.glob(f"*-{page}.xml*"):
        if path.name.partition(".")[0] != name:
            path.unlink(missing_ok=True)


def _remove_beyond(folder: Path, *, pages: int) -> None:
    """Remove pages that the feed no longer has."""
    for table in folder.glob("page-*"):
        number = table.name.partition("-")[2]
        if number.isdigit() and int(number) > pages:
            table.unlink(missing_ok=True)
            _remove_older(folder, name="", page=int(number))


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
