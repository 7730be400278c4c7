"""What the counting needs to know of episodes and audio, also when they are gone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from analytics.bulk import select_in
from analytics.eligibility import EpisodeFacts
from analytics.models import AudioFigures, EpisodeTotal
from analytics.moments import milliseconds_of, read_moment
from analytics.sessions import Figures
from episodes.models import AudioAsset, Episode
from episodes.states import Publication


def episode_facts(ids: Iterable[int]) -> dict[int, EpisodeFacts]:
    """What the counting needs of episodes; of deleted ones what it noted itself."""
    wanted = list(ids)
    facts: dict[int, EpisodeFacts] = {}
    columns = ("episode_id", "show_id", "account_id", "published_at")
    for row in select_in(EpisodeTotal, columns, "episode_id", wanted):
        facts[row[0]] = _facts(*row[1:])
    for start in range(0, len(wanted), 900):
        rows = Episode.objects.filter(pk__in=wanted[start : start + 900]).values_list(
            "pk", "show_id", "show__account_id", "published_at", "state"
        )
        for pk, show, account, published, state in rows:
            is_public = state == Publication.PUBLISHED
            if is_public or pk not in facts:
                facts[pk] = _facts(show, account, published if is_public else None)
    return facts


def _facts(show_id: int, account_id: int, published_at: object) -> EpisodeFacts:
    moment = read_moment(published_at)
    return EpisodeFacts(show_id, account_id, milliseconds_of(moment) if moment else None, moment)


def figures_of(ids: Iterable[int], *, now: datetime) -> dict[int, Figures]:
    """What thresholds rest on; noted on first sight, since the audio may go before a recount."""
    wanted = set(ids)
    columns = ["asset_id", "bytes", "header_bytes", "duration_seconds"]
    found = {
        row[0]: Figures(*row[1:]) for row in select_in(AudioFigures, columns, "asset_id", wanted)
    }
    missing = list(wanted - found.keys())
    new = []
    for start in range(0, len(missing), 900):
        assets = AudioAsset.objects.filter(pk__in=missing[start : start + 900])
        for row in assets.values_list("pk", "bytes", "header_bytes", "duration_seconds"):
            found[row[0]] = Figures(*row[1:])
            new.append(
                AudioFigures(
                    asset_id=row[0],
                    bytes=row[1],
                    header_bytes=row[2],
                    duration_seconds=row[3],
                    noted_at=now,
                )
            )
    AudioFigures.objects.bulk_create(new, ignore_conflicts=True)
    return found
