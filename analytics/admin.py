"""Operator's view of counting: its position, what it put aside, agents and their lists, sums and audits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from analytics.alerts import mark_seen
from analytics.health import counting_health
from analytics.models import (
    AccountDayApp,
    AccountHour,
    Agent,
    AgentDay,
    AgentRule,
    Alert,
    App,
    AudioFigures,
    Audit,
    BadLine,
    ChartNote,
    Counter,
    Download,
    EpisodeDay,
    EpisodeDayApp,
    EpisodeTotal,
    FunnelDay,
    ListenerSet,
    LoadedAgentList,
    LogPosition,
    Rebuild,
    Segment,
    ShowDay,
    StepDay,
    Window,
)
from core.admin import ReadOnlyAdmin

if TYPE_CHECKING:
    # Generic for the type checker only.
    _RuleForm = forms.ModelForm[AgentRule]
    _RuleAdmin = admin.ModelAdmin[AgentRule]
    _NoteAdmin = admin.ModelAdmin[ChartNote]
else:
    _RuleForm, _RuleAdmin, _NoteAdmin = forms.ModelForm, admin.ModelAdmin, admin.ModelAdmin

_LARGEST_LIST = 200


class CountingAdmin(ReadOnlyAdmin):
    """Tables that grow with every listener: never counted in full for a page."""

    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = _LARGEST_LIST


def _numbers(
    model: type[models.Model],
    columns: list[str],
    *,
    date: str | None = None,
    search: list[str] | None = None,
    filters: list[str] | None = None,
    hidden: list[str] | None = None,
    base: type[ReadOnlyAdmin] = CountingAdmin,
) -> type[ReadOnlyAdmin]:
    """Registers a page that shows `columns` of `model`, newest first."""
    page: dict[str, Any] = {
        "__doc__": f"Rows of {model.__name__}.",
        "list_display": columns,
        "search_fields": search or columns[:1],
        "list_filter": filters or [],
        "date_hierarchy": date,
        "ordering": [f"-{date}", "-pk"] if date else ["-pk"],
        "exclude": hidden or [],
    }
    made = type(f"{model.__name__}Admin", (base,), page)
    admin.site.register(model, made)
    return made


_numbers(Segment, ["name", "hits", "bad_lines", "counted_at"], date="counted_at")
_numbers(BadLine, ["segment", "line", "error", "found_at"], date="found_at")
_numbers(
    Window,
    ["episode_id", "day", "is_burst"],
    date="day",
    search=["=episode_id"],
    filters=["is_burst"],
    # Keys and touches of listeners are nobody's business, not even for these days.
    hidden=[
        "listener",
        "previous_listener",
        "playback_session",
        "touches",
        "who",
        "carried",
        "counted",
        "network",
        "previous_network",
    ],
)
_numbers(App, ["name", "created_at"], date="created_at")
_numbers(
    LoadedAgentList,
    ["version", "sha256", "loaded_at"],
    date="loaded_at",
    hidden=["files"],
    search=["version", "sha256"],
)
_numbers(
    AudioFigures,
    ["asset_id", "bytes", "header_bytes", "duration_seconds", "noted_at"],
    date="noted_at",
    search=["=asset_id"],
)
_numbers(
    Download,
    ["started_at", "episode_id", "show_id", "app_id", "evidence", "country", "device", "source"],
    date="started_at",
    search=["=episode_id", "=show_id", "=account_id"],
    filters=["evidence"],
    hidden=["fingerprint"],
)
_numbers(
    EpisodeTotal,
    ["episode_id", "show_id", "downloads", "first_24h", "first_7d", "first_30d", "published_at"],
    date="published_at",
    search=["=episode_id", "=show_id", "=account_id"],
)
_numbers(
    ShowDay,
    ["show_id", "account_id", "day", "downloads", "delivered"],
    date="day",
    search=["=show_id", "=account_id"],
)
_numbers(
    EpisodeDay,
    ["episode_id", "show_id", "day", "downloads", "delivered"],
    date="day",
    search=["=episode_id", "=show_id", "=account_id"],
)
_numbers(
    EpisodeDayApp,
    ["episode_id", "day", "app_id", "downloads"],
    date="day",
    search=["=episode_id", "=app_id"],
)
_numbers(
    AccountDayApp,
    ["account_id", "day", "app_id", "downloads"],
    date="day",
    search=["=account_id", "=app_id"],
)
_numbers(
    FunnelDay,
    ["episode_id", "day", "step", "amount"],
    date="day",
    search=["=episode_id", "step"],
    filters=["step"],
)
_numbers(StepDay, ["day", "step", "amount"], date="day", search=["step"], filters=["step"])
_numbers(AgentDay, ["digest", "day", "hits"], date="day")
_numbers(
    ListenerSet,
    ["account_id", "day", "app_id", "period", "is_sketch"],
    date="day",
    search=["=account_id", "=app_id"],
    filters=["is_sketch"],
    hidden=["members"],
)
_numbers(
    AccountHour,
    ["account_id", "hour", "downloads", "entered", "entered_at"],
    date="hour",
    search=["=account_id"],
)
_numbers(
    Audit,
    ["first_day", "last_day", "differences", "audited_at"],
    date="audited_at",
    search=["differences"],
)
_numbers(
    Rebuild,
    ["first_day", "last_day", "before", "after", "is_applied", "made_at"],
    date="made_at",
    search=["differences"],
    filters=["is_applied"],
)
_numbers(LogPosition, ["name", "inode", "offset", "read_at"], date="read_at")


@admin.register(Counter)
class CounterAdmin(CountingAdmin):
    """How far counting is, and how far behind (R70)."""

    list_display = [
        "batches",
        "hits",
        "lag_seconds",
        "waiting_segments",
        "lost_hits",
        "bad_lines",
        "last_hit_at",
        "counted_at",
        "leased_until",
    ]
    search_fields = ["owner"]
    date_hierarchy = "counted_at"
    ordering = ["-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Counter]:
        """The one row, with the health of this moment asked for once."""
        self._health = counting_health(now=timezone.now())
        found: QuerySet[Counter] = super().get_queryset(request)
        return found

    @admin.display(description="seconds behind")
    def lag_seconds(self, _row: Counter) -> int:
        """Age of the oldest segment that waits."""
        return self._health.lag_seconds

    @admin.display
    def waiting_segments(self, _row: Counter) -> int:
        """Segments that are not counted yet."""
        return self._health.waiting_segments

    @admin.display(description="lost hits of this machine")
    def lost_hits(self, _row: Counter) -> int:
        """Hits that could not be written."""
        return self._health.lost_hits


@admin.register(Alert)
class AlertAdmin(CountingAdmin):
    """What wants a look; filter by `seen_at` empty for what nobody has looked at (R80)."""

    list_display = ["kind", "subject", "day", "amount", "usual", "raised_at", "seen_at"]
    list_filter = ["kind", ("seen_at", admin.EmptyFieldListFilter)]
    search_fields = ["subject"]
    date_hierarchy = "day"
    ordering = ["-day", "-pk"]
    actions = ["mark_seen"]

    @admin.action(description="Mark as seen", permissions=["settle"])
    def mark_seen(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        """Take the chosen alerts off the list of those that wait for a look."""
        chosen = list(queryset.values_list("pk", flat=True))
        marked = mark_seen(alert_ids=chosen, now=timezone.now())
        self.message_user(request, f"{marked} alerts marked as seen.")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Whoever may change alerts by Django's permissions may mark them."""
        return request.user.has_perm("analytics.change_alert")


@admin.register(ChartNote)
class ChartNoteAdmin(_NoteAdmin):
    """Notes that stand in the answers with charts, beside the day that they tell of."""

    list_display = ["day", "text", "link", "created_at"]
    list_filter = ["day"]
    search_fields = ["text"]
    date_hierarchy = "day"
    ordering = ["-day", "-pk"]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}


@admin.register(Agent)
class AgentAdmin(CountingAdmin):
    """Every agent that was seen; filter by kind `unknown` for those that no list knows (R46)."""

    list_display = ["user_agent", "kind", "app", "device", "list_version", "last_seen_at"]
    list_filter = ["kind", "is_watch"]
    search_fields = ["user_agent", "app__name"]
    date_hierarchy = "last_seen_at"
    list_select_related = ["app"]
    ordering = ["-last_seen_at", "-pk"]


class AgentRuleForm(_RuleForm):
    """A rule whose pattern can be used."""

    class Meta:
        model = AgentRule
        fields = ["pattern", "kind", "name", "note"]

    def clean_pattern(self) -> str:
        """The pattern; raises `ValidationError` for what is no regular expression."""
        pattern = str(self.cleaned_data["pattern"])
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise forms.ValidationError(f"This is no regular expression: {error}.") from None
        return pattern


@admin.register(AgentRule)
class AgentRuleAdmin(_RuleAdmin):
    """The instance's own list: what an operator writes here acts from the next batch on."""

    form = AgentRuleForm
    list_display = ["pattern", "kind", "name", "created_at"]
    list_filter = ["kind"]
    search_fields = ["pattern", "name", "note"]
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-pk"]
