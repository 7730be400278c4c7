"""Cursor paging: the newest first, each page after the row that the cursor names."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from core.routes import MAX_ID

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
_MOST_DIGITS = 3
LONGEST_CURSOR = 200
#: Outside of it, times overflow in some time zones and databases.
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted; `after` is the last row of the page before."""

    limit: int
    after: tuple[datetime, int] | None


def page_of(query: QueryDict) -> Page:
    """Read `cursor` and `limit`; raises `ValidationError` for what is neither."""
    text = query.get("limit", "").strip()
    limit = DEFAULT_LIMIT
    if text:
        is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        limit = int(text) if is_number else 0
        if not 1 <= limit <= MAX_LIMIT:
            raise ValidationError({"limit": [f"must be a whole number from 1 to {MAX_LIMIT}"]})
    cursor = query.get("cursor", "").strip()
    return Page(limit, _decoded(cursor) if cursor else None)


def page_object(
    found: QuerySet[Any], page: Page, shape: Callable[[Any], dict[str, object]]
) -> dict[str, object]:
    """One page of `found`, whose rows have `created_at`, in the contract's envelope."""
    ordered = found.order_by("-created_at", "-pk")
    if page.after is not None:
        moment, key = page.after
        ordered = ordered.filter(Q(created_at__lt=moment) | Q(created_at=moment, pk__lt=key))
    rows = list(ordered[: page.limit + 1])
    has_more = len(rows) > page.limit
    shown = rows[: page.limit]
    return {
        "data": [shape(row) for row in shown],
        "pagination": {
            "has_more": has_more,
            "next_cursor": _encoded(shown[-1]) if has_more else None,
        },
    }


def _encoded(row: Model) -> str:
    moment: datetime = row.created_at  # type: ignore[attr-defined] # every listed model has it
    text = json.dumps([moment.isoformat(), row.pk], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> tuple[datetime, int]:
    row = _parsed(cursor) if len(cursor) <= LONGEST_CURSOR else None
    if row is None:
        reason = "is not one of this list; leave it out for the first page"
        raise ValidationError({"cursor": [reason]})
    return row


def _parsed(cursor: str) -> tuple[datetime, int] | None:
    try:
        content = base64.urlsafe_b64decode(cursor.encode("ascii") + b"==")
        text, key = json.loads(content)
        moment = datetime.fromisoformat(text)
        is_sane = _EARLIEST <= moment <= _LATEST and type(key) is int and 0 < key <= MAX_ID
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
    return (moment, key) if is_sane else None
