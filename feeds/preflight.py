"""Finds out what the pre-flight checks need: from the rows, from storage and over the network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.services import subscription_of
from core.errors import PodwrightError
from episodes.models import Episode
from episodes.services import MeasuredAudio, fill_audio_lengths
from episodes.states import ProductionState
from feeds.checks import Findings, PublishedFacts
from feeds.models import Trailer
from feeds.probing import Target, probe, target_of
from feeds.trailer import WrittenTrailer, write_trailer
from shows.models import Show

#: Files that one call looks at, the newest first.
MOST_PROBES = 100
ONLY_UNPUBLISHED = "The show has episodes, but none is published; publish one"
_TO_BE_MADE = frozenset(
    {
        ProductionState.PENDING,
        ProductionState.PREPARING,
        ProductionState.PROCESSING,
        ProductionState.FAILED,
    }
)


@dataclass(frozen=True, slots=True)
class Preflight:
    """The findings, and the trailer that is to be made of them, None where none is needed."""

    findings: Findings
    trailer: WrittenTrailer | None


def look(show: Show, *, now: datetime) -> Preflight:
    """Read, probe, and fill in lengths that nobody told us; needs `show.account`."""
    # Before the published rows: a trailer that is finished meanwhile is among them then.
    may_make_trailer = _may_make_trailer(show)
    rows = list(
        Episode.objects.published()
        .filter(show=show)
        .feed_order()
        .values(
            *("pk", "guid", "title", "published_at", "audio_url", "audio_length"),
            *("asset__storage_key", "asset__bytes"),
        )
    )
    targets = [
        target_of(storage_key=row["asset__storage_key"], address=row["audio_url"])
        for row in rows[:MOST_PROBES]
    ]
    cover, heard = probe(cover=_cover(show), audio=targets)
    fill_audio_lengths(
        show_id=show.pk,
        measured=[
            MeasuredAudio(row["pk"], row["audio_url"], found.size)
            for row, found in zip(rows, heard, strict=False)
            if row["asset__bytes"] is None and row["audio_length"] is None and found.size
        ],
        now=now,
    )
    probes = [*heard, *[None] * (len(rows) - len(heard))]
    published = [
        PublishedFacts(
            guid=row["guid"],
            title=row["title"],
            published_at=row["published_at"],
            length=row["asset__bytes"] or row["audio_length"],
            probe=found,
        )
        for row, found in zip(rows, probes, strict=True)
    ]
    trailer, problem = (None, "") if rows else _trailer(show, may_be_made=may_make_trailer)
    findings = Findings(
        owner_email=show.owner_email,
        known_email=subscription_of(show.account).email or show.account.email,
        cover=cover,
        published=published,
        will_make_trailer=trailer is not None,
        trailer_problem=problem,
    )
    return Preflight(findings, trailer)


def _cover(show: Show) -> Target | None:
    if show.cover_url is None:
        return None
    return target_of(storage_key=show.cover_key, address=show.cover_url)


def _may_make_trailer(show: Show) -> bool:
    """Whether nothing stands in the way of a trailer (A18, A19), or it is being made already."""
    # In this order: a trailer is there as soon as its episode is.
    if not show.episodes.exists():
        return True
    begun = Trailer.objects.select_related("episode").filter(show=show).first()
    return begun is not None and begun.episode.production_state in _TO_BE_MADE


def _trailer(show: Show, *, may_be_made: bool) -> tuple[WrittenTrailer | None, str]:
    """The trailer to be made for a show with nothing published, or why there is none."""
    if not may_be_made:
        return None, ONLY_UNPUBLISHED
    try:
        return write_trailer(show), ""
    except PodwrightError as error:
        return None, f"The show has no episodes, and no trailer can be made: {error.message}"
