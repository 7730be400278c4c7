"""E27: OP3's numbers of a show, or our own in the same shape while OP3 is not used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.answers import standing
from analytics.descriptions import OP3_OPERATIONS
from analytics.models import EpisodeDay
from analytics.op3 import Op3Counts, op3_counts
from analytics.serializers import second, whole_number
from core.api import ContractView
from episodes.models import Episode
from keys.caller import account_of
from keys.scopes import SHOWS_READ
from shows.models import Show
from shows.services import get_show

#: The guideline's own measure for two systems (contracts/analytics.md R79).
AGREEMENT_PERCENT = 5


class Op3View(ContractView):
    """Lives at /api/v1/shows/:id/analytics only."""

    required_scopes = {"GET": SHOWS_READ}
    operations = OP3_OPERATIONS

    def get(self, request: Request, show_id: int) -> Response:
        """Downloads of the last whole UTC days by episode, most first."""
        show = get_show(account=account_of(request), show_id=show_id)
        query, now = request.query_params, timezone.now()
        days = whole_number(query, "days", default=30, high=90)
        limit = whole_number(query, "limit", default=100, high=1_000)
        is_used = uses_op3(show)
        if is_used:
            counts = op3_counts(str(show.podcast_guid), days=days, now=now)
        else:
            counts = _local_counts(show, days=days, now=now)
        return Response(
            {
                "success": True,
                "show": {"id": show.pk, "title": show.title, "slug": show.slug},
                "op3": {
                    "podcast_guid": str(show.podcast_guid),
                    "op3_url": f"https://op3.dev/show/{show.podcast_guid}",
                    "period_days": days,
                    "total_downloads": counts.total,
                    "episodes": _episodes(show, counts)[:limit],
                    "source": "op3" if is_used else "local",
                    "found": counts.found,
                    "truncated": counts.truncated,
                    "is_stale": counts.is_stale,
                    "as_of": second(counts.fetched_at) if counts.fetched_at else None,
                },
                "own": _comparison(counts.total, show, days=days, now=now) if is_used else None,
            }
        )


def uses_op3(show: Show) -> bool:
    """True when the show's enclosures pass OP3 and its API may be asked (A31)."""
    return bool(
        settings.OP3_PREFIX
        and settings.OP3_TOKEN
        and show.op3
        and not show.is_private
        and settings.PUBLIC_URL.startswith("https://")
    )


def _comparison(theirs: int, show: Show, *, days: int, now: datetime) -> dict[str, object]:
    """Our own count of the same days beside OP3's: within 5 % the two are in agreement (R79)."""
    ours = _local_counts(show, days=days, now=now).total
    larger = max(ours, theirs)
    difference = round(100 * abs(ours - theirs) / larger, 1) if larger else 0.0
    return {
        "total_downloads": ours,
        "difference_percent": difference,
        "in_agreement": difference <= AGREEMENT_PERCENT,
    }


def _local_counts(show: Show, *, days: int, now: datetime) -> Op3Counts:
    """Our own count of the same days: never mixed with OP3's (O7)."""
    today = now.astimezone(UTC).date()
    counted = EpisodeDay.objects.filter(show_id=show.pk).between(
        today - timedelta(days=days), today - timedelta(days=1)
    )
    by_episode = dict(counted.top("episode_id"))
    guids = dict(Episode.objects.filter(pk__in=by_episode).values_list("pk", "guid"))
    by_guid = {str(guids[pk]): amount for pk, amount in by_episode.items() if pk in guids}
    return Op3Counts(sum(by_episode.values()), by_guid, fetched_at=standing(now=now).as_of)


def _episodes(show: Show, counts: Op3Counts) -> list[dict[str, object]]:
    titles = {
        str(guid): title
        for guid, title in Episode.objects.filter(show_id=show.pk).values_list("guid", "title")
    }
    ordered = sorted(counts.by_guid.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        {"episode_guid": guid, "title": titles.get(guid, ""), "downloads": amount}
        for guid, amount in ordered
    ]
