"""Analytics in the PodClaw contract, E23 to E26, with the funnel and the method in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.conf import settings
from django.utils import timezone
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from analytics.answers import (
    account_numbers,
    episode_funnel,
    episode_numbers,
    listener_numbers,
    notes_between,
    show_numbers,
    standing,
)
from analytics.descriptions import (
    DOWNLOADS_OPERATIONS,
    EPISODE_OPERATIONS,
    FUNNEL_OPERATIONS,
    LISTENERS_OPERATIONS,
    METHOD_OPERATIONS,
    SHOW_OPERATIONS,
)
from analytics.method_page import method_object
from analytics.serializers import (
    PLAN_HINT,
    Page,
    account_analytics,
    chart_notes,
    csv_text,
    episode_analytics,
    is_csv,
    listener_analytics,
    second,
    show_analytics,
    standing_object,
    wanted_day,
    wanted_interval,
    wanted_period,
    whole_number,
)
from billing.plans import SANDBOX
from billing.services import plan_of
from core.api import ContractView
from episodes.services import get_episode
from keys.caller import account_of
from keys.scopes import EPISODES_READ, SHOWS_READ
from shows.services import get_show

DEFAULT_LIMIT, MAX_LIMIT = 30, 200
MAX_PAGE = 1_000_000


class CsvRenderer(BaseRenderer):
    """Hands a finished table on."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: str, *_: object, **__: object) -> bytes:
        """The table as bytes."""
        return data.encode()


class ShowAnalyticsView(ContractView):
    """E23. Not to be confused with /api/v1/shows/:id/analytics, which is OP3's."""

    required_scopes = {"GET": SHOWS_READ}
    operations = SHOW_OPERATIONS

    def get(self, request: Request, show_id: int) -> Response:
        """Totals of one show; top episodes and the daily trend from Agent Pro on."""
        account, now = account_of(request), timezone.now()
        show = get_show(account=account, show_id=show_id)
        tier, is_full = _plan(account)
        as_table = is_csv(request.query_params)
        numbers = show_numbers(show, now=now, is_full=is_full)
        if as_table:
            return _table(request, ["date", "downloads"], numbers.trend)
        return Response(
            {
                "success": True,
                "show": {"id": show.pk, "title": show.title},
                "analytics": {
                    "plan_tier": tier,
                    **show_analytics(numbers, is_full=is_full),
                    **_notes([day for day, _amount in numbers.trend]),
                    **_standing(numbers.evidence, now=now, is_full=is_full),
                },
            }
        )


class EpisodeAnalyticsView(ContractView):
    """E24."""

    required_scopes = {"GET": EPISODES_READ}
    operations = EPISODE_OPERATIONS

    def get(self, request: Request, episode_id: int) -> Response:
        """Total of one episode; days and first days from Agent Pro on."""
        account, now = account_of(request), timezone.now()
        episode = get_episode(account=account, episode_id=episode_id)
        tier, is_full = _plan(account)
        as_table = is_csv(request.query_params)
        numbers = episode_numbers(episode, now=now)
        if as_table:
            return _table(request, ["date", "downloads"], numbers.series if is_full else [])
        published = episode.published_at
        return Response(
            {
                "success": True,
                "episode": {
                    "id": episode.pk,
                    "title": episode.title,
                    "published_at": second(published) if published else None,
                    "show": {"id": episode.show_id, "title": episode.show.title},
                },
                "analytics": {
                    "plan_tier": tier,
                    **episode_analytics(
                        numbers, page=_page(request, len(numbers.series)), is_full=is_full
                    ),
                    **_notes([day for day, _amount in numbers.series] if is_full else []),
                    **_standing(numbers.evidence, now=now, is_full=is_full),
                },
            }
        )


class DownloadsView(ContractView):
    """E25."""

    required_scopes = {"GET": SHOWS_READ}
    operations = DOWNLOADS_OPERATIONS

    def get(self, request: Request) -> Response:
        """Downloads of all shows by day, week or month; breakdowns from Agent Pro on."""
        account, now = account_of(request), timezone.now()
        query = request.query_params
        interval, period = wanted_interval(query, now=now), wanted_period(query)
        tier, is_full = _plan(account)
        as_table = is_csv(query)
        numbers = account_numbers(account.pk, interval, period=period, is_full=is_full)
        if as_table:
            return _table(request, ["period_start", "downloads"], numbers.series)
        page = _page(request, len(numbers.series))
        return Response(
            {
                "success": True,
                "analytics": {
                    "plan_tier": tier,
                    **account_analytics(
                        numbers, interval, period=period, page=page, is_full=is_full
                    ),
                    **_notes([interval.first, interval.last] if is_full else []),
                    **_standing(numbers.evidence, now=now, is_full=is_full),
                },
            }
        )


class ListenersView(ContractView):
    """E26."""

    required_scopes = {"GET": SHOWS_READ}
    operations = LISTENERS_OPERATIONS

    def get(self, request: Request) -> Response:
        """Distinct listeners of all shows; apps from Agent Pro on."""
        account, now = account_of(request), timezone.now()
        interval = wanted_interval(request.query_params, now=now)
        tier, is_full = _plan(account)
        as_table = is_csv(request.query_params)
        numbers = listener_numbers(account.pk, interval)
        if as_table:
            rows = [
                (row.name, row.downloads, row.listeners, row.share / 10) for row in numbers.apps
            ]
            columns = ["app_name", "downloads", "unique_listeners", "pct_of_downloads"]
            return _table(request, columns, rows if is_full else [])
        return Response(
            {
                "success": True,
                "analytics": {
                    "plan_tier": tier,
                    **listener_analytics(numbers, interval, is_full=is_full),
                    **_standing(numbers.evidence, now=now, is_full=is_full),
                },
            }
        )


class FunnelView(ContractView):
    """The way from hits to downloads of one episode and day (R77)."""

    required_scopes = {"GET": EPISODES_READ}
    operations = FUNNEL_OPERATIONS

    def get(self, request: Request, episode_id: int) -> Response:
        """Each step with its number of hits or sessions."""
        episode = get_episode(account=account_of(request), episode_id=episode_id)
        now = timezone.now()
        day = wanted_day(request.query_params, now=now)
        return Response(
            {
                "success": True,
                "funnel": {
                    "episode_id": episode.pk,
                    "date": day.isoformat(),
                    "steps": episode_funnel(episode.pk, day),
                },
            }
        )


class MethodView(ContractView):
    """How this instance counts (R78)."""

    required_scopes = {"GET": SHOWS_READ}
    operations = METHOD_OPERATIONS

    def get(self, request: Request) -> Response:
        """Window, thresholds, lists with their versions, divergences, retention."""
        return Response({"success": True, "method": method_object(now=timezone.now())})


def _plan(account: Account) -> tuple[str, bool]:
    """The plan's id, and whether it shows series and breakdowns (A28)."""
    plan = plan_of(account)
    return plan.id, plan.id != SANDBOX.id or not settings.ANALYTICS_GATED


def _standing(evidence: str, *, now: datetime, is_full: bool) -> dict[str, object]:
    found = standing_object(standing(now=now), evidence)
    return found if is_full else {**found, "hint": PLAN_HINT}


def _notes(days: Sequence[date]) -> dict[str, object]:
    """Notes on the days of a chart, without one where the plan shows none."""
    return chart_notes(notes_between(days[0], days[-1])) if days else {}


def _page(request: Request, total: int) -> Page:
    query = request.query_params
    return Page(
        page=whole_number(query, "page", default=1, high=MAX_PAGE),
        limit=whole_number(query, "limit", default=DEFAULT_LIMIT, high=MAX_LIMIT),
        total=total,
    )


def _table(request: Request, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    request.accepted_renderer = CsvRenderer()
    return Response(
        csv_text(columns, rows),
        headers={"Content-Disposition": 'attachment; filename="analytics.csv"'},
    )
