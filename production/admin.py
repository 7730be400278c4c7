"""Productions in the admin: what runs, what failed and why, and the button that tries again."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin import ReadOnlyAdmin
from core.errors import PodwrightError
from production.models import Production
from production.services import cancel_production, retry_production


@admin.register(Production)
class ProductionAdmin(ReadOnlyAdmin):
    """Read-only but for its actions: the row is the queue."""

    list_display = (
        "id",
        "episode",
        "state",
        "phase",
        "percent",
        "seconds_left",
        "attempts",
        "voice",
        "error_code",
        "created_at",
    )
    list_filter = ("state", "phase", "voice", "error_code")
    search_fields = ("episode__title", "episode__public_id", "error_message")
    date_hierarchy = "created_at"
    list_select_related = ("episode",)
    actions = ("retry", "cancel")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Production]:
        """The script can be long, and no list shows it."""
        return super().get_queryset(request).defer("script")

    @admin.action(description="Retry", permissions=["view"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Production]) -> None:
        """Queue failed and cancelled productions again."""
        self._each(request, queryset, retry_production, "queued again")

    @admin.action(description="Cancel", permissions=["view"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Production]) -> None:
        """Stop waiting and running productions."""
        self._each(request, queryset, cancel_production, "cancelled")

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[Production],
        service: Callable[..., None],
        done: str,
    ) -> None:
        changed = 0
        for production in queryset.select_related("episode__show__account"):
            try:
                service(
                    account=production.episode.show.account,
                    episode_id=production.episode_id,
                    now=timezone.now(),
                )
                changed += 1
            except PodwrightError as error:
                self.message_user(request, f"{production}: {error.message}", messages.WARNING)
        self.message_user(request, f"{changed} {done}.")
