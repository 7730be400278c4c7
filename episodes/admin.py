"""Operator's view of episodes, their audio and their documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin import ReadOnlyAdmin
from episodes.models import AudioAsset, Episode, EpisodeDocument
from episodes.services import update_episode
from episodes.states import Publication

if TYPE_CHECKING:
    # Generic for the type checker only.
    _TabularInline = admin.TabularInline[EpisodeDocument, Episode]
else:
    _TabularInline = admin.TabularInline


class DocumentInline(_TabularInline):
    """The documents of one episode."""

    model = EpisodeDocument
    fields = ["kind", "mime_type", "language", "bytes", "storage_key", "created_at"]
    extra = 0
    can_delete = False
    show_change_link = True


@admin.register(Episode)
class EpisodeAdmin(ReadOnlyAdmin):
    """Episodes in all states, with what went wrong."""

    list_display = [
        "title",
        "show",
        "state",
        "production_state",
        "episode_type",
        "publish_at",
        "published_at",
        "created_at",
    ]
    list_filter = ["state", "production_state", "episode_type", "is_ai_generated"]
    search_fields = ["title", "public_id", "guid", "show__title", "show__slug"]
    date_hierarchy = "created_at"
    list_select_related = ["show"]
    ordering = ["-created_at", "-pk"]
    inlines = [DocumentInline]
    actions = ["withdraw"]

    @admin.action(description="Withdraw from the public (back to draft)", permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Episode]) -> None:
        """Make published and scheduled episodes drafts; their feeds forget them at once."""
        chosen = list(
            queryset.exclude(state=Publication.DRAFT).select_related("show__account").order_by("pk")
        )
        for episode in chosen:
            update_episode(
                account=episode.show.account,
                episode_id=episode.pk,
                changes={"status": Publication.DRAFT},
                now=timezone.now(),
            )
        self.message_user(request, f"{len(chosen)} episodes withdrawn.")

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        """Whoever may change episodes by Django's permissions may withdraw them."""
        return request.user.has_perm("episodes.change_episode")


@admin.register(AudioAsset)
class AudioAssetAdmin(ReadOnlyAdmin):
    """Audio in storage."""

    list_display = [
        "storage_key",
        "account",
        "origin",
        "mime_type",
        "bytes",
        "duration_seconds",
        "created_at",
    ]
    list_filter = ["origin", "mime_type"]
    search_fields = ["storage_key", "filename", "sha256"]
    date_hierarchy = "created_at"
    list_select_related = ["account"]
    ordering = ["-created_at", "-pk"]


@admin.register(EpisodeDocument)
class EpisodeDocumentAdmin(ReadOnlyAdmin):
    """Transcripts and chapters in storage."""

    list_display = ["storage_key", "episode", "kind", "language", "bytes", "created_at"]
    list_filter = ["kind", "language"]
    search_fields = ["storage_key", "episode__title"]
    date_hierarchy = "created_at"
    list_select_related = ["episode"]
    ordering = ["-created_at", "-pk"]
