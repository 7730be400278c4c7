"""The client of OP3's API: how often OP3 saw a public show downloaded."""

from __future__ import annotations

import time
from collections import Counter as Tally
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote, urlencode

import msgspec
import structlog
from django.conf import settings
from django.core.cache import cache

from core.errors import Upstream
from core.http import BadStatus, Fetched, fetch

log = structlog.get_logger(__name__)

#: Of one call, and of all pages together.
TIMEOUT_SECONDS, ALL_SECONDS = 5.0, 20.0
_MAX_BYTES = 40_000_000
PAGE_ROWS = 20_000
MOST_PAGES = 25
#: OP3 counts once a day; ten minutes are the least that is polite (O4).
FRESH_SECONDS = 600
UNKNOWN_SECONDS = 3_600
KEPT_SECONDS = 7 * 86_400
_FLIGHT_SECONDS = 30
_POLL_SECONDS = 0.1
_NOT_FOUND = 404


class Op3Unavailable(Upstream):
    """OP3 did not answer as it should, and nothing older is kept."""

    code = "op3_unavailable"


@dataclass(frozen=True, slots=True)
class Op3Counts:
    """Downloads of `days` whole UTC days up to yesterday, by item guid; `total` counts rows without one."""

    total: int
    by_guid: dict[str, int]
    found: bool = True
    truncated: bool = False
    fetched_at: datetime | None = None
    is_stale: bool = False


class _Episode(msgspec.Struct):
    id: str
    itemGuid: str | None = None  # noqa: N815 - OP3's own name


class _Show(msgspec.Struct):
    showUuid: str  # noqa: N815 - OP3's own name
    episodes: list[_Episode] = []


class _Row(msgspec.Struct):
    episodeId: str | None = None  # noqa: N815 - OP3's own name


class _Rows(msgspec.Struct):
    rows: list[_Row] = []
    continuationToken: str | None = None  # noqa: N815 - OP3's own name


def op3_counts(podcast_guid: str, *, days: int, now: datetime) -> Op3Counts:
    """What OP3 counted. Raises `Op3Unavailable`.

    Fresh numbers are asked for once by whoever comes first; the others wait for them, and get
    older ones, marked, when OP3 does not answer.
    """
    key = f"op3:{podcast_guid}:{days}:{now.astimezone(UTC).date()}"
    fresh: Op3Counts | None = cache.get(key)
    if fresh is not None:
        return fresh
    flight = f"{key}:flight"
    if not cache.add(flight, 1, timeout=_FLIGHT_SECONDS):
        return _landed(key, flight) or _older(f"op3:{podcast_guid}:{days}")
    try:
        # Another flight may have landed between the two looks.
        return cache.get(key) or _asked(podcast_guid, days=days, now=now, key=key)
    finally:
        cache.delete(flight)


def _asked(podcast_guid: str, *, days: int, now: datetime, key: str) -> Op3Counts:
    """Ask, and keep the answer; older ones, marked, when there is none."""
    try:
        counts = _ask(podcast_guid, days=days, now=now)
    except (Upstream, msgspec.MsgspecError) as error:
        log.warning("op3_failed", error=type(error).__name__)
        return _older(f"op3:{podcast_guid}:{days}")
    cache.set(key, counts, timeout=FRESH_SECONDS if counts.found else UNKNOWN_SECONDS)
    cache.set(f"op3:{podcast_guid}:{days}", counts, timeout=KEPT_SECONDS)
    return counts


def _landed(key: str, flight: str) -> Op3Counts | None:
    """What the first asker gets, None when it failed or takes longer than it may."""
    deadline = time.monotonic() + ALL_SECONDS + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        # In this order: the answer is kept before the flight ends.
        is_under_way = cache.get(flight) is not None
        landed: Op3Counts | None = cache.get(key)
        if landed is not None or not is_under_way:
            return landed
        time.sleep(_POLL_SECONDS)
    return None


def _older(key: str) -> Op3Counts:
    kept: Op3Counts | None = cache.get(key)
    if kept is None:
        raise Op3Unavailable("OP3 did not answer. Try again later.")
    return Op3Counts(
        kept.total, kept.by_guid, kept.found, kept.truncated, kept.fetched_at, is_stale=True
    )


def _ask(podcast_guid: str, *, days: int, now: datetime) -> Op3Counts:
    deadline = time.monotonic() + ALL_SECONDS
    show = _find_show(podcast_guid)
    if show is None:
        return Op3Counts(0, {}, found=False, fetched_at=now)
    guids = {one.id: one.itemGuid or "" for one in show.episodes}
    today = now.astimezone(UTC).date()
    total, tally, truncated = _rows(
        show.showUuid, today - timedelta(days=days), today, deadline=deadline
    )
    by_guid: Tally[str] = Tally()
    for episode, amount in tally.items():
        if guids.get(episode):
            by_guid[guids[episode]] += amount
    return Op3Counts(total, dict(by_guid), truncated=truncated, fetched_at=now)


def _find_show(podcast_guid: str) -> _Show | None:
    """The show by its podcast guid, with its episodes' item guids; None when OP3 does not know it."""
    try:
        answer = _call(f"/shows/{quote(podcast_guid)}", {"episodes": "include"})
    except BadStatus as error:
        if error.details.get("status") == _NOT_FOUND:
            return None
        raise
    return msgspec.json.decode(answer.body, type=_Show)


def _rows(
    show_uuid: str, first: date, end: date, *, deadline: float
) -> tuple[int, Tally[str], bool]:
    """All downloads from `first` to before `end`, by OP3's episode id, and whether pages are missing."""
    query = {
        "start": first.isoformat(),
        "end": end.isoformat(),
        "bots": "exclude",
        "format": "json",
        "limit": str(PAGE_ROWS),
    }
    total, tally = 0, Tally[str]()
    for _page in range(MOST_PAGES):
        answer = _call(f"/downloads/show/{quote(show_uuid)}", query)
        page = msgspec.json.decode(answer.body, type=_Rows)
        total += len(page.rows)
        tally.update(row.episodeId for row in page.rows if row.episodeId)
        if not page.continuationToken:
            return total, tally, False
        if time.monotonic() > deadline:
            break
        query["continuationToken"] = page.continuationToken
    return total, tally, True


def _call(path: str, query: dict[str, str]) -> Fetched:
    return fetch(
        f"{settings.OP3_API_BASE}{path}?{urlencode(query)}",
        max_bytes=_MAX_BYTES,
        timeout=TIMEOUT_SECONDS,
        accept="application/json",
        # In a header: an address ends up in logs.
        headers={"Authorization": f"Bearer {settings.OP3_TOKEN}"},
        follow_redirects=False,
    )
