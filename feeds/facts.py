"""What a feed document states: plain values read from the database, before any XML."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.encoding import iri_to_uri

from billing.services import subscription_of
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


@dataclass(frozen=True, slots=True)
class TranscriptFacts:
    """One transcript file; `is_timed` ones can be shown as captions."""

    url: str
    mime_type: str
    language: str
    is_timed: bool


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One published episode, as its item states it; equal facts give an equal item."""

    guid: UUID
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


def read_channel(show: Show, *, page: int, page_items: int = PAGE_ITEMS) -> ChannelFacts:
    """The facts of the show's channel on `page` (from 1). Raises `PageMissing`."""
    published = Episode.objects.published().filter(show=show)
    pages = max(1, -(-published.count() // page_items))
    if page > pages:
        raise PageMissing
    author = show.author or show.account.name or show.title
    return ChannelFacts(
        title=show.title,
        description=show.description or show.title,
        author=author,
        owner_name=author,
        owner_email=owner_email(show),
        language=show.language,
        category=category_path(show.category),
        image_url=iri_to_uri(show.cover_url),
        link=iri_to_uri(show.website_url) or _show_page(show),
        explicit=show.explicit,
        is_private=show.is_private,
        podcast_guid=show.podcast_guid,
        has_ai_content=published.filter(is_ai_generated=True).exists(),
        changed_at=show.public_changed_at,
        links=_page_links(feed_url(show), page=page, pages=pages),
    )


def read_items(show: Show, *, page: int, page_items: int = PAGE_ITEMS) -> list[ItemFacts]:
    """The facts of one page of published episodes, newest first, in two queries."""
    start = (page - 1) * page_items
    rows = list(
        Episode.objects.published()
        .filter(show=show)
        .feed_order()
        .values(
            *("pk", "public_id", "guid", "title", "author", "description", "published_at"),
            *("audio_url", "audio_type", "audio_length", "duration_seconds", "chapters"),
            *("season", "episode_number", "episode_type", "explicit", "is_ai_generated"),
            *("asset__storage_key", "asset__bytes", "asset__mime_type", "asset__duration_seconds"),
        )[start : start + page_items]
    )
    documents = _documents_by_episode([row["pk"] for row in rows])
    return [_item(show, row, documents.get(row["pk"], {})) for row in rows]


def _item(show: Show, row: dict[str, Any], documents: dict[str, dict[str, Any]]) -> ItemFacts:
    storage_key = row["asset__storage_key"]
    address = audio_address(storage_key=storage_key, audio_url=row["audio_url"]) or ""
    mime_type = row["asset__mime_type"] or row["audio_type"]
    duration = row["duration_seconds"]
    if duration is None and row["asset__duration_seconds"] is not None:
        duration = round(row["asset__duration_seconds"])
    chapters = documents.get(_Kind.CHAPTERS_JSON)
    return ItemFacts(
        guid=row["guid"],
        title=row["title"],
        author=row["author"],
        description=row["description"] or "",
        published_at=row["published_at"],
        link=_episode_page(show, public_id=row["public_id"]),
        enclosure_url=_counted_address(
            show,
            reference=row["public_id"] if show.is_private else str(row["pk"]),
            extension=audio_extension(address=address, mime_type=mime_type),
        ),
        # 0 says "unknown" where a client gave us no length of its own audio.
        enclosure_length=row["asset__bytes"] if storage_key else row["audio_length"] or 0,
        enclosure_type=mime_type,
        duration_seconds=duration,
        season=row["season"],
        episode_number=row["episode_number"],
        episode_type=row["episode_type"],
        explicit=row["explicit"],
        is_ai_generated=row["is_ai_generated"],
        transcripts=tuple(
            TranscriptFacts(
                url=media_url(documents[kind]["storage_key"]),
                mime_type=mime,
                language=documents[kind]["language"] or show.language,
                is_timed=is_timed,
            )
            for kind, (mime, is_timed) in _TRANSCRIPTS.items()
            if kind in documents
        ),
        chapters_url=media_url(chapters["storage_key"]) if chapters else None,
        chapters=tuple(_chapters(row["chapters"])),
    )


def _chapters(stored: object) -> Iterable[tuple[float, str]]:
    for chapter in stored if isinstance(stored, list) else []:
        match chapter:
            case {"start": int() | float() as start, "title": str() as title} if start >= 0:
                yield float(start), title


def _documents_by_episode(episode_ids: list[int]) -> dict[int, dict[str, dict[str, Any]]]:
    grouped: dict[int, dict[str, dict[str, Any]]] = {}
    for row in (
        EpisodeDocument.objects.filter(episode_id__in=episode_ids)
        .exclude(kind__in=EpisodeDocument.INTERNAL)
        .values("episode_id", "kind", "storage_key", "language")
    ):
        grouped.setdefault(row["episode_id"], {})[row["kind"]] = dict(row)
    return grouped


def _counted_address(show: Show, *, reference: str, extension: str) -> str:
    """The enclosure's address, behind the OP3 prefix where OP3 could reach it (podclaw.md A31)."""
    url = track_url(reference=reference, extension=extension)
    prefix = str(settings.OP3_PREFIX)
    if not prefix or show.is_private or not show.op3 or not url.startswith("https://"):
        return url
    return f"{prefix.rstrip('/')}/{url}"


def _show_page(show: Show) -> str:
    """The show's public page; a private show has none, and RSS demands an address."""
    if show.is_private:
        return f"{settings.PUBLIC_URL}/"
    return settings.PUBLIC_URL + reverse("show-page", kwargs={"slug": show.slug})


def _episode_page(show: Show, *, public_id: str) -> str | None:
    if show.is_private:
        return None
    page = reverse("episode-page", kwargs={"slug": show.slug, "public_id": public_id})
    return settings.PUBLIC_URL + page


def owner_email(show: Show) -> str | None:
    """The show's own, else billing's, else the account's (podclaw.md A24).

    A private feed needs no verification, so it tells no more than its show does. Needs `account`.
    """
    if show.owner_email or show.is_private:
        return show.owner_email
    return subscription_of(show.account).email or show.account.email


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
