"""Operator's view of shows."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from core.admin import ReadOnlyAdmin
from shows.models import DeletedShow, FeedListener, Show
from shows.querysets import ShowQuerySet
from shows.services import feed_url


@admin.register(Show)
class ShowAdmin(ReadOnlyAdmin):
    """Shows belong to their accounts: the operator looks, and changes nothing behind their feeds."""

    list_display = [
        "title",
        "slug",
        "account",
        "visibility",
        "retired_at",
        "new_feed_url",
        "episode_count",
        "live_at",
        "created_at",
        "public_changed_at",
    ]
    list_filter = [
        "visibility",
        ("live_at", admin.EmptyFieldListFilter),
        ("retired_at", admin.EmptyFieldListFilter),
        ("new_feed_url", admin.EmptyFieldListFilter),
        "explicit",
        "language",
        "is_narration_default",
    ]
    search_fields = ["title", "slug", "account__name", "account__email"]
    date_hierarchy = "created_at"
    list_select_related = ["account"]
    ordering = ["-created_at", "-pk"]
    # The token is the key to a private feed; the operator needs the address of public ones only.
    exclude = ["feed_token"]
    readonly_fields = ["public_feed", "cover"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Show]:
        """Rows with their number of episodes, counted in the same query."""
        return cast("ShowQuerySet", super().get_queryset(request)).with_episode_count()

    @admin.display(ordering="episode_count", description="episodes")
    def episode_count(self, show: Show) -> int:
        """Episodes in all states."""
        return int(show.episode_count)  # type: ignore[attr-defined] # annotated above

    @admin.display(description="cover")
    def cover(self, show: Show) -> str:
        """The cover as a thumbnail; only our own may be shown by the admin's content policy."""
        if not show.cover_key:
            return show.image_url or "none"
        return format_html('<img src="/media/{}" alt="Cover" width="160">', show.cover_key)

    @admin.display(description="feed")
    def public_feed(self, show: Show) -> str:
        """The feed's address, unless it is a secret."""
        return "private" if show.is_private else feed_url(show)


@admin.register(FeedListener)
class FeedListenerAdmin(ReadOnlyAdmin):
    """Listeners of private feeds; their tokens are theirs alone."""

    list_display = ["name", "show", "created_at"]
    search_fields = ["name", "show__title"]
    date_hierarchy = "created_at"
    list_select_related = ["show"]
    ordering = ["-created_at", "-pk"]
    exclude = ["token"]


@admin.register(DeletedShow)
class DeletedShowAdmin(ReadOnlyAdmin):
    """Shows that are gone since yesterday."""

    list_display = ["show_id", "deleted_at"]
    search_fields = ["show_id"]
    date_hierarchy = "deleted_at"
    ordering = ["-deleted_at", "-pk"]
