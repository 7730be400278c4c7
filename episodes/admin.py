"""Operator's view of episodes, their audio, its copying, and their documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin import ReadOnlyAdmin
from core.errors import PodwrightError
from episodes.copies import keep_copy
from episodes.models import AudioAsset, AudioCopy, Episode, EpisodeDocument
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


@admin.register(AudioCopy)
class AudioCopyAdmin(ReadOnlyAdmin):
    """Copies of outside audio that were asked for, and why some failed."""

    list_display = [
        "episode",
        "source_url",
        "state",
        "attempts",
        "error_code",
        "due_at",
        "requested_at",
        "finished_at",
    ]
    list_filter = ["state", "error_code"]
    search_fields = ["source_url", "episode__title", "episode__public_id"]
    date_hierarchy = "requested_at"
    list_select_related = ["episode"]
    ordering = ["-requested_at", "-pk"]
    show_full_result_count = False
    actions = ["retry"]

    @admin.action(description="Try failed ones again", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[AudioCopy]) -> None:
        """Queue failed copies again."""
        queued = 0
        failed = queryset.filter(state=AudioCopy.State.FAILED)
        for copy in failed.select_related("episode__show__account"):
            try:
                keep_copy(
                    account=copy.episode.show.account,
                    episode_id=copy.episode_id,
                    now=timezone.now(),
                )
                queued += 1
            except PodwrightError as error:
                self.message_user(request, f"{copy}: {error.message}", messages.WARNING)
        self.message_user(request, f"{queued} copies queued again.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whoever may change copies by Django's permissions may have them tried again."""
        return request.user.has_perm("episodes.change_audiocopy")


@admin.register(EpisodeDocument)
class EpisodeDocumentAdmin(ReadOnlyAdmin):
    """Transcripts and chapters in storage."""

    list_display = ["storage_key", "episode", "kind", "language", "bytes", "created_at"]
    list_filter = ["kind", "language"]
    search_fields = ["storage_key", "episode__title"]
    date_hierarchy = "created_at"
    list_select_related = ["episode"]
    ordering = ["-created_at", "-pk"]
