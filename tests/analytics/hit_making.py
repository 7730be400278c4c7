"""Makes hits, segments and counters for tests of counting."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime, timedelta

from analytics.batches import Piece
from analytics.counting import BatchCounter
from analytics.hits import Hit, HitKind
from analytics.methods import DAY_MS, Method
from analytics.models import (
    AccountDayApp,
    AccountHour,
    Counter,
    Download,
    EpisodeDay,
    EpisodeDayApp,
    EpisodeTotal,
    FunnelDay,
    ListenerSet,
    ShowDay,
)
from analytics.salts import audience_period

APP = "AntennaPod/3.4.0"
METHOD = Method()
MIDNIGHT = datetime(2026, 3, 14, tzinfo=UTC)
_numbers = itertools.count(1)
_names = itertools.count(1)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)


def key_of(listener: str, agent: str, day: int) -> str:
    return hashlib.blake2b(f"{listener}|{agent}|{day}".encode(), digest_size=16).hexdigest()


def audience_of(listener: str, agent: str, period: int) -> str:
    return hashlib.blake2b(f"{listener}|{agent}|a{period}".encode(), digest_size=8).hexdigest()


def network_of(listener: str, day: int) -> str:
    return hashlib.blake2b(f"{listener}|{day}".encode(), digest_size=8).hexdigest()


def make_hit(at: datetime, *, listener: str = "ada", agent: str = APP, **fields) -> Hit:
    """A track hit of `listener` for episode 1, keyed as receipt does; `fields` say what differs."""
    time_ms = milliseconds(at)
    day = time_ms // DAY_MS
    period = audience_period(at.date())
    known = {
        "time_ms": time_ms,
        "hit_id": f"{time_ms:012x}{'0' * 4}{next(_numbers):016x}",
        "episode_id": 1,
        "show_id": 1,
        "asset_id": None,
        "kind": HitKind.TRACK,
        "method": "GET",
        "status": 302,
        "requested_range": "",
        "answer_start": 0,
        "answer_length": 0,
        "salt_day": at.date().isoformat(),
        "listener": key_of(listener, agent, day),
        "previous_listener": key_of(listener, agent, day - 1),
        "user_agent": agent,
        "referrer_host": "",
        "is_prefetch": False,
        "audience_period": period,
        "audience": audience_of(listener, agent, period),
        "previous_audience": audience_of(listener, agent, period - 1),
        "network": network_of(listener, day),
        "previous_network": network_of(listener, day - 1),
    }
    return Hit(**known | fields)


def make_media_hit(at: datetime, *, start: int = 0, sent: int, **fields) -> Hit:
    """A media answer of which `sent` bytes went out, as one line of a byte log."""
    known = {"kind": HitKind.MEDIA, "status": 206, "asset_id": 1}
    return make_hit(at, **known | {"answer_start": start, "delivered": sent} | fields)


def piece_of(*hits: Hit) -> Piece:
    name = f"{min((hit.time_ms for hit in hits), default=0):013d}-{next(_names):012x}.hits"
    return Piece(name, list(hits))


def count(*hits: Hit, method: Method = METHOD, now: datetime | None = None):
    """Count `hits` as one segment, a minute after the last of them."""
    Counter.objects.get_or_create(pk=1)
    last = max(hit.time_ms for hit in hits)
    now = now or datetime.fromtimestamp(last / 1_000, UTC) + timedelta(minutes=1)
    return BatchCounter(method).count([piece_of(*hits)], now=now)


SUMS = {
    EpisodeTotal: ("episode_id", "downloads", "delivered", "first_24h", "first_7d", "first_30d"),
    ShowDay: ("show_id", "account_id", "day", "downloads", "delivered"),
    EpisodeDay: ("episode_id", "day", "downloads", "delivered"),
    EpisodeDayApp: ("episode_id", "day", "app_id", "downloads"),
    AccountDayApp: ("account_id", "day", "app_id", "downloads"),
    AccountHour: ("account_id", "hour", "downloads"),
    FunnelDay: ("episode_id", "day", "step", "amount"),
    ListenerSet: ("account_id", "day", "app_id", "period", "is_sketch", "members"),
    Download: (
        "started_at", "fingerprint", "episode_id", "app_id", "evidence", "country", "rules_version",
    ),
}  # fmt: skip


def totals():
    """Every sum and row, in an order of their own, without what is zero."""
    found = {}
    for model, columns in SUMS.items():
        rows = [
            tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
            for row in model.objects.values_list(*columns)
        ]
        empty = [row for row in rows if set(row[-1:]) <= {0, b""} and model is not Download]
        if model in {EpisodeTotal, EpisodeDay, ShowDay}:
            empty = [row for row in rows if row[-2] == 0 and row[-1] == 0]
        found[model.__name__] = sorted(set(rows) - set(empty))
    return found
