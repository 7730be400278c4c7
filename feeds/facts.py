"""What a feed document states: plain values read from the database, before any XML."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connections
from django.db.models import Count, Q, TextField
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.encoding import iri_to_uri

from core.storage import media_url
from episodes.addresses import audio_address, audio_extension, track_url
from episodes.models import Episode, EpisodeDocument
from shows.categories import category_path
from shows.models import Show
from shows.services import feed_url

#: Feeds beyond this many items are paged (RFC 5005): never cut, since clients forget what is gone.
PAGE_ITEMS = 1_000

_Kind = EpisodeDocument.Kind
#: Transcript kinds in the order in which apps prefer them: MIME type, and whether it has times.
_TRANSCRIPTS = {
    _Kind.TRANSCRIPT_VTT: ("text/vtt", True),
    _Kind.TRANSCRIPT_SRT: ("application/x-subrip", True),
    _Kind.TRANSCRIPT_JSON: ("application/json", True),
    _Kind.TRANSCRIPT_HTML: ("text/html", False),
}


class TranscriptFacts(msgspec.Struct, frozen=True, gc=False):
    """One transcript file; `is_timed` ones can be shown as captions."""

    url: str
    mime_type: str
    language: str
    is_timed: bool


class ItemFacts(msgspec.Struct, frozen=True, gc=False):
    """One published episode, as its item states it; equal facts give an equal item."""

    guid: str
    title: str
    author: str
    description: str
    published_at: datetime
    link: str | None
    enclosure_url: str
    enclosure_length: int
    enclosure_type: str
    duration_seconds: int | None
    season: int | None
    episode_number: int | None
    episode_type: str
    explicit: bool
    is_ai_generated: bool
    image_url: str | None
    transcripts: tuple[TranscriptFacts, ...]
    chapters_url: str | None
    chapters: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class PageLinks:
    """RFC 5005 links of one page; all but `self_url` are None in a feed of one page."""

    self_url: str
    first: str | None = None
    previous: str | None = None
    next: str | None = None
    last: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """The show, as its channel states it."""

    title: str
    description: str
    author: str
    owner_name: str
    owner_email: str | None
    language: str
    category: tuple[str, ...] | None
    image_url: str | None
    link: str
    explicit: bool
    is_private: bool
    podcast_guid: UUID
    has_ai_content: bool
    changed_at: datetime
    links: PageLinks


class PageMissing(Exception):
    """The feed has fewer pages."""


def read_channel(show: Show, items: ItemRows) -> ChannelFacts:
    """The facts of the show's channel on the page of `items`."""
    author = show.author or show.account.name or show.title
    return ChannelFacts(
        title=show.title,
        description=show.description or show.title,
        author=author,
        owner_name=author,
        owner_email=show.owner_email,
        language=show.language,
        category=category_path(show.category),
        image_url=iri_to_uri(show.cover_url),
        link=iri_to_uri(show.website_url) or _show_page(show),
        explicit=show.explicit,
        is_private=show.is_private,
        podcast_guid=show.podcast_guid,
        has_ai_content=items.have_ai_content,
        changed_at=show.public_changed_at,
        links=_page_links(feed_url(show), page=items.page, pages=items.pages),
    )


class ItemRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One published episode as the database keeps it, which is enough to see that it changed.

    Values of the database's own types cost a third of converted ones, and of a page of a thousand
    episodes one is wanted converted.
    """

    pk: int
    values: tuple[object, ...]
    documents: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class ItemContext:
    """All that items state beyond their rows; in another context they are other items.

    `op3_prefix` is "" where enclosures have none.
    """

    is_private: bool
    language: str
    page_url: str
    op3_prefix: str
    public_url: str
    media_url: str


class ItemRows:
    """One page of published episodes, newest first, read in two queries, or in three when there are more.

    Raises `PageMissing`.
    """

    def __init__(self, show: Show, *, page: int, page_items: int = PAGE_ITEMS) -> None:
        start = (page - 1) * page_items
        published = Episode.objects.published().filter(show=show).feed_order()
        # One more than the page holds, which tells whether there is another page.
        query = published.values_list(*_SELECTED)[start : start + page_items + 1].query
        self.context = _context(show)
        statement, parameters = query.get_compiler(published.db).as_sql()
        with connections[published.db].cursor() as cursor:
            cursor.execute(statement, parameters)
            found = cursor.fetchall()
        if page > 1 and not found:
            raise PageMissing
        self.page = self.pages = page
        self.have_ai_content = any(map(itemgetter(_AI_COLUMN), found))
        if len(found) > page_items or page > 1:
            every = published.aggregate(
                count=Count("pk"), made=Count("pk", filter=Q(is_ai_generated=True))
            )
            self.pages = max(1, -(-every["count"] // page_items))
            self.have_ai_content = every["made"] > 0
        found = found[:page_items]
        documents = _documents_by_episode(show, [row[0] for row in found])
        self.rows = [ItemRow(row[0], tuple(row), documents.get(row[0], ())) for row in found]

    def facts(self, rows: Sequence[ItemRow]) -> list[ItemFacts]:
        """What the items of some of the rows state, in their order; asks the database nothing."""
        return [_item(self.context, _Columns._make(row.values), row.documents) for row in rows]


class _Columns(NamedTuple):
    """What is read of an episode, under the names of the database's columns."""

    pk: int
    public_id: str
    guid: str
    title: str
    author: str
    description: str | None
    published_at: str
    audio_url: str | None
    audio_type: str
    audio_length: int | None
    duration_seconds: int | None
    chapters: str
    season: int | None
    episode_number: int | None
    episode_type: str
    explicit: bool
    is_ai_generated: bool
    cover_key: str | None
    asset__storage_key: str | None
    asset__bytes: int | None
    asset__mime_type: str | None
    asset__duration_seconds: float | None


_COLUMNS = _Columns._fields
_AI_COLUMN = _COLUMNS.index("is_ai_generated")
#: Read as text, which is decoded in items that changed only: a quarter of the time of Django's ways.
_TEXTS = {"guid", "published_at", "chapters"}
_SELECTED = [Cast(name, TextField()) if name in _TEXTS else name for name in _COLUMNS]


_NO_FILES: Mapping[str, tuple[str, str]] = {}


def _context(show: Show) -> ItemContext:
    # OP3 counts what it can reach, of shows whose owners let it (podclaw.md A31).
    counts = not show.is_private and show.op3 and settings.PUBLIC_URL.startswith("https://")
    return ItemContext(
        is_private=show.is_private,
        language=show.language,
        page_url=_show_page(show),
        op3_prefix=str(settings.OP3_PREFIX).rstrip("/") if counts else "",
        public_url=settings.PUBLIC_URL,
        media_url=settings.PUBLIC_MEDIA_URL,
    )


def _item(
    context: ItemContext, row: _Columns, documents: Sequence[tuple[str, str, str]]
) -> ItemFacts:
    storage_key = row.asset__storage_key
    address = audio_address(storage_key=storage_key, audio_url=row.audio_url) or ""
    mime_type = row.asset__mime_type or row.audio_type
    duration = row.duration_seconds
    if duration is None and row.asset__duration_seconds is not None:
        duration = round(row.asset__duration_seconds)
    files = {kind: (key, language) for kind, key, language in documents} if documents else _NO_FILES
    return ItemFacts(
        guid=_dashed(row.guid),
        title=row.title,
        author=row.author,
        description=row.description or "",
        published_at=_moment(row.published_at),
        # A private episode has no page.
        link=None if context.is_private else f"{context.page_url}/{row.public_id}",
        enclosure_url=_counted_address(
            context,
            reference=row.public_id if context.is_private else str(row.pk),
            extension=audio_extension(address=address, mime_type=mime_type),
        ),
        # 0 says "unknown" where a client gave us no length of its own audio.
        enclosure_length=(row.asset__bytes if storage_key else row.audio_length) or 0,
        enclosure_type=mime_type,
        duration_seconds=duration,
        season=row.season,
        episode_number=row.episode_number,
        episode_type=row.episode_type,
        explicit=bool(row.explicit),
        is_ai_generated=bool(row.is_ai_generated),
        image_url=media_url(row.cover_key) if row.cover_key else None,
        transcripts=_transcripts(context, files) if files else (),
        chapters_url=_chapters_url(files) if files else None,
        chapters=() if row.chapters == "[]" else tuple(_chapters(json.loads(row.chapters))),
    )


def _dashed(guid: str) -> str:
    """A UUID of the database in its usual form; SQLite keeps its digits alone."""
    if "-" in guid:
        return guid
    return f"{guid[:8]}-{guid[8:12]}-{guid[12:16]}-{guid[16:20]}-{guid[20:]}"


def _moment(text: str) -> datetime:
    """A date of the database; SQLite keeps it in UTC without saying so, PostgreSQL says so."""
    moment = datetime.fromisoformat(text)
    # Twice, since `replace` takes four times as long.
    return moment if moment.tzinfo else datetime.fromisoformat(f"{text}+00:00")


def _transcripts(
    context: ItemContext, files: Mapping[str, tuple[str, str]]
) -> tuple[TranscriptFacts, ...]:
    return tuple(
        TranscriptFacts(
            url=media_url(files[kind][0]),
            mime_type=mime,
            language=files[kind][1] or context.language,
            is_timed=is_timed,
        )
        for kind, (mime, is_timed) in _TRANSCRIPTS.items()
        if kind in files
    )


def _chapters_url(files: Mapping[str, tuple[str, str]]) -> str | None:
    found = files.get(_Kind.CHAPTERS_JSON)
    return media_url(found[0]) if found else None


def _chapters(stored: object) -> Iterable[tuple[float, str]]:
    for chapter in stored if isinstance(stored, list) else []:
        match chapter:
            case {"start": int() | float() as start, "title": str() as title} if start >= 0:
                yield float(start), title


def _documents_by_episode(
    show: Show, episode_ids: list[int]
) -> dict[int, tuple[tuple[str, str, str], ...]]:
    """Kind, storage key and language of each episode's documents."""
    grouped: dict[int, tuple[tuple[str, str, str], ...]] = {}
    for episode_id, kind, key, language in (
        # A range: a thousand parameters take longer than the few rows of other pages inside of it.
        EpisodeDocument.objects.filter(
            episode__show=show,
            episode_id__gte=min(episode_ids, default=0),
            episode_id__lte=max(episode_ids, default=0),
        )
        .exclude(kind__in=EpisodeDocument.INTERNAL)
        .order_by("episode_id", "kind")
        .values_list("episode_id", "kind", "storage_key", "language")
    ):
        grouped[episode_id] = (*grouped.get(episode_id, ()), (kind, key, language))
    return grouped


def _counted_address(context: ItemContext, *, reference: str, extension: str) -> str:
    """The enclosure's address, behind the OP3 prefix if there is one."""
    url = track_url(reference=reference, extension=extension)
    return f"{context.op3_prefix}/{url}" if context.op3_prefix else url


def _show_page(show: Show) -> str:
    """The show's public page; a private show has none, and RSS demands an address."""
    if show.is_private:
        return f"{settings.PUBLIC_URL}/"
    return settings.PUBLIC_URL + reverse("show-page", kwargs={"slug": show.slug})


def _page_links(url: str, *, page: int, pages: int) -> PageLinks:
    def at(number: int) -> str:
        return url if number == 1 else f"{url}?page={number}"

    if pages == 1:
        return PageLinks(self_url=url)
    return PageLinks(
        self_url=at(page),
        first=at(1),
        previous=at(page - 1) if page > 1 else None,
        next=at(page + 1) if page < pages else None,
        last=at(pages),
    )
