"""Shapes of the analytics answers, and what their queries may say (contracts/podclaw.md section 10)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from analytics.answers import (
    AccountNumbers,
    EpisodeNumbers,
    Interval,
    ListenerNumbers,
    ShowNumbers,
    Standing,
    TopEpisode,
)
from analytics.models import ChartNote
from core.fields import MomentField

PERIODS = ("day", "week", "month")
MAX_DAYS = 3_660
NOTE = (
    "Unique listener estimate uses IP-hash + user-agent deduplication. "
    "Geographic data not available."
)
UPPER_BOUND = (
    "Upper bound: listeners cannot be told apart over more than 32 days, because identities are "
    "reset then."
)
PLAN_HINT = "The plan Agent Pro shows time series and breakdowns. See GET /api/billing/plans"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list of `total` rows."""

    page: int
    limit: int
    total: int

    def cut(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The rows of the page."""
        start = (self.page - 1) * self.limit
        return rows[start : start + self.limit]

    def shape(self) -> dict[str, int]:
        """As the contract shows it."""
        pages = -(-self.total // self.limit)
        return {"page": self.page, "limit": self.limit, "total": self.total, "pages": pages}


def whole_number(query: QueryDict, name: str, *, default: int, high: int, low: int = 1) -> int:
    """A number from `low` to `high`, clamped (A36); raises `ValidationError` for what is none."""
    text = query.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise ValidationError({name: [f"must be a whole number from {low} to {high:,}"]})
    return min(max(int(text[:12]), low), high)


def wanted_period(query: QueryDict) -> str:
    """`?period=`; raises `ValidationError`."""
    period = query.get("period", "").strip().lower() or "day"
    if period not in PERIODS:
        raise ValidationError({"period": [f"must be one of {', '.join(PERIODS)}"]})
    return period


def wanted_interval(query: QueryDict, *, now: datetime) -> Interval:
    """`?from=` and `?to=`, [from, to); by default 30 days, of which the last is the one of `to`.

    Raises `ValidationError`.
    """
    end = _moment(query, "to") or now.astimezone(UTC)
    start = _moment(query, "from")
    if start is None:
        last = (end - timedelta(microseconds=1)).date()
        start = _midnight(last - timedelta(days=29))
    if start >= end:
        raise ValidationError({"from": ["must be earlier than to"]})
    interval = Interval(start, end)
    if interval.days > MAX_DAYS:
        raise ValidationError({"from": [f"must lie at most {MAX_DAYS:,} days before to"]})
    return interval


def wanted_day(query: QueryDict, *, now: datetime) -> date:
    """`?date=`, today by default; raises `ValidationError`."""
    moment = _moment(query, "date")
    return (moment or now.astimezone(UTC)).date()


def is_csv(query: QueryDict) -> bool:
    """True for `?format=csv`; raises `ValidationError` for other formats than csv and json."""
    wanted = query.get("format", "json").strip().lower()
    if wanted not in {"csv", "json"}:
        raise ValidationError({"format": ["must be json or csv"]})
    return wanted == "csv"


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table for spreadsheets; a text that they would take for a formula is quoted for them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_harmless(value) for value in row])
    return out.getvalue()


def second(moment: datetime) -> str:
    """`2025-11-16T00:00:00Z`, as the analytics examples write moments."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def standing_object(standing: Standing, evidence: str) -> dict[str, object]:
    """What the answer rests on: keys that the contract does not have (R20, R54)."""
    return {
        "as_of": second(standing.as_of) if standing.as_of else None,
        "open_from": standing.open_from.isoformat(),
        "evidence": evidence,
    }


def show_analytics(numbers: ShowNumbers, *, is_full: bool) -> dict[str, object]:
    """`analytics` of E23, without what is the same everywhere."""
    found: dict[str, object] = {
        "summary": {
            "total_episodes": numbers.episodes,
            "downloads_all_time": numbers.all_time,
            "downloads_last_30d": numbers.last_30_days,
            "avg_downloads_per_episode": numbers.average,
            "downloads_of_deleted_episodes": numbers.deleted_episodes,
        }
    }
    if is_full:
        found["top_episodes"] = [
            {
                "id": one.episode_id,
                "title": one.title,
                "published_at": second(one.published_at) if one.published_at else None,
                "downloads": one.downloads,
            }
            for one in numbers.top
        ]
        found["growth_trend"] = {
            "period": "last_30d",
            "granularity": "daily",
            "data": daily(numbers.trend),
        }
    return found


def episode_analytics(numbers: EpisodeNumbers, *, page: Page, is_full: bool) -> dict[str, object]:
    """`analytics` of E24."""
    found: dict[str, object] = {"summary": {"total_downloads": numbers.total}}
    if is_full:
        found["downloads_over_time"] = {
            "period": "last_30d",
            "granularity": "daily",
            "data": daily(page.cut(numbers.series)),
            "pagination": page.shape(),
        }
        found["download_velocity"] = {**numbers.firsts, "complete": numbers.complete}
    return found


def account_analytics(
    numbers: AccountNumbers, interval: Interval, *, period: str, page: Page, is_full: bool
) -> dict[str, object]:
    """`analytics` of E25."""
    found: dict[str, object] = {
        "period": period,
        **_interval_object(interval),
        "total_downloads": numbers.total,
        "time_series": {
            "data": [
                {"period_start": second(_midnight(start)), "downloads": amount}
                for start, amount in page.cut(numbers.series)
            ],
            "pagination": page.shape(),
        },
    }
    if is_full:
        found["by_show"] = [
            {"show_id": pk, "show_title": title, "downloads": amount}
            for pk, title, amount in numbers.shows
        ]
        found["downloads_of_deleted_shows"] = numbers.deleted_shows
        found["top_episodes"] = [_top_of_account(one) for one in numbers.top]
    return found


def listener_analytics(
    numbers: ListenerNumbers, interval: Interval, *, is_full: bool
) -> dict[str, object]:
    """`analytics` of E26."""
    note = f"{NOTE} {UPPER_BOUND}" if numbers.is_upper_bound else NOTE
    found: dict[str, object] = {
        **_interval_object(interval),
        "summary": {
            "unique_listeners_estimate": numbers.listeners,
            "total_downloads": numbers.downloads,
            "note": note,
            "is_exact": numbers.is_exact and not numbers.is_upper_bound,
            "is_upper_bound": numbers.is_upper_bound,
            "standard_error": numbers.standard_error,
        },
    }
    if is_full:
        found["podcast_apps"] = [
            {
                "app_name": row.name,
                "downloads": row.downloads,
                "unique_listeners": row.listeners,
                "pct_of_downloads": row.share / 10,
            }
            for row in numbers.apps
        ]
    return found


def chart_notes(notes: Iterable[ChartNote]) -> dict[str, object]:
    """What is pinned to the days of a chart (R80)."""
    return {
        "notes": [
            {"date": one.day.isoformat(), "text": one.text, "link": one.link or None}
            for one in notes
        ]
    }


def daily(series: Iterable[tuple[date, int]]) -> list[dict[str, object]]:
    """Days as the series of shows and episodes write them."""
    return [{"date": day.isoformat(), "downloads": amount} for day, amount in series]


def _interval_object(interval: Interval) -> dict[str, object]:
    return {
        "from": second(interval.start),
        "to": second(interval.end),
        "first_day": interval.first.isoformat(),
        "last_day": interval.last.isoformat(),
    }


def _top_of_account(one: TopEpisode) -> dict[str, object]:
    return {
        "episode_id": one.episode_id,
        "episode_title": one.title,
        "show_id": one.show_id,
        "show_title": one.show_title,
        "downloads": one.downloads,
    }


def _moment(query: QueryDict, name: str) -> datetime | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    # A plus sign that was not escaped arrives as a space.
    field = MomentField()
    try:
        moment = field.run_validation(text.replace(" ", "+") if "T" in text.upper() else text)
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from None
    return moment


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _harmless(value: object) -> object:
    text = str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
