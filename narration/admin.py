"""Operator's view of narrations: what is prepared from where, what failed, and trying that again."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin import ReadOnlyAdmin
from core.errors import PodwrightError
from narration.models import LexiconEntry, Narration, NarrationRequest, ReadingSettings
from narration.services import retry_narration


@admin.register(Narration)
class NarrationAdmin(ReadOnlyAdmin):
    """Narrations in all states, with their sources."""

    list_display = [
        "id",
        "episode",
        "source_type",
        "source_url",
        "state",
        "attempts",
        "error_code",
        "created_at",
    ]
    list_filter = ["state", "source_type", "error_code"]
    search_fields = ["episode__title", "episode__public_id", "source_url"]
    date_hierarchy = "created_at"
    list_select_related = ["episode"]
    ordering = ["-created_at", "-pk"]
    show_full_result_count = False
    actions = ["retry"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Narration]:
        """Text and page can be long, and no list shows them."""
        return super().get_queryset(request).defer("text", "html")

    @admin.action(description="Try failed ones again", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Narration]) -> None:
        """Queue failed narrations again, from their source on."""
        restarted = 0
        for narration in queryset:
            try:
                retry_narration(narration_id=narration.pk, now=timezone.now())
                restarted += 1
            except PodwrightError as error:
                self.message_user(request, f"{narration}: {error.message}", messages.WARNING)
        self.message_user(request, f"{restarted} queued again.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Those who may change narrations may have them tried again."""
        return request.user.has_perm("narration.change_narration")


@admin.register(NarrationRequest)
class NarrationRequestAdmin(ReadOnlyAdmin):
    """What counts towards the hourly limit of an account."""

    list_display = ["account", "created_at"]
    search_fields = ["account__name", "account__email"]
    date_hierarchy = "created_at"
    list_select_related = ["account"]
    ordering = ["-created_at", "-pk"]


@admin.register(ReadingSettings)
class ReadingSettingsAdmin(ReadOnlyAdmin):
    """How accounts want their texts read."""

    list_display = ["account", "voice", "rules", "updated_at"]
    list_filter = ["voice"]
    search_fields = ["account__name", "account__email", "voice"]
    date_hierarchy = "updated_at"
    list_select_related = ["account"]
    ordering = ["-updated_at", "-pk"]


@admin.register(LexiconEntry)
class LexiconEntryAdmin(ReadOnlyAdmin):
    """Words that are spoken in a way of their own."""

    list_display = ["word", "respelling", "phonemes", "account", "show", "created_at"]
    search_fields = ["word", "respelling", "account__name"]
    date_hierarchy = "created_at"
    list_select_related = ["account", "show"]
    ordering = ["-created_at", "-pk"]
