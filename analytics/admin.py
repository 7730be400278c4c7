"""Operator's view of counting: its position, what it put aside, agents and their lists, sums and audits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db import models

from analytics.models import (
    AccountDayApp,
    AccountHour,
    Agent,
    AgentRule,
    App,
    AudioFigures,
    Audit,
    BadLine,
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
    Window,
)
from core.admin import ReadOnlyAdmin

if TYPE_CHECKING:
    # Generic for the type checker only.
    _RuleForm = forms.ModelForm[AgentRule]
    _RuleAdmin = admin.ModelAdmin[AgentRule]
else:
    _RuleForm, _RuleAdmin = forms.ModelForm, admin.ModelAdmin

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


_numbers(
    Counter,
    ["batches", "hits", "bad_lines", "last_hit_at", "counted_at", "leased_until"],
    date="counted_at",
    search=["owner"],
)
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
