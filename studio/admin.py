"""Operator's view of the Studio: podcasts, hosts, sources, and what is being generated."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
from studio.models import Generation, GenerationRequest, Host, Source, StudioPodcast


@admin.register(Host)
class HostAdmin(ReadOnlyAdmin):
    """Personas and their voices."""

    list_display = ["name", "public_id", "account", "voice", "created_at", "archived_at"]
    list_filter = ["voice", ("archived_at", admin.EmptyFieldListFilter)]
    search_fields = ["name", "public_id", "account__name"]
    date_hierarchy = "created_at"
    list_select_related = ["account"]
    ordering = ["-created_at", "-pk"]


@admin.register(StudioPodcast)
class StudioPodcastAdmin(ReadOnlyAdmin):
    """Shows that the Studio knows."""

    list_display = ["show", "uuid", "show_order", "visibility", "created_at"]
    list_filter = ["show_order", "visibility"]
    search_fields = ["show__title", "uuid"]
    date_hierarchy = "created_at"
    list_select_related = ["show"]
    ordering = ["-created_at", "-pk"]


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    """Material in all states."""

    list_display = ["__str__", "account", "type", "state", "error_code", "created_at"]
    list_filter = ["state", "type", "error_code"]
    search_fields = ["title", "url", "filename", "uuid"]
    date_hierarchy = "created_at"
    list_select_related = ["account"]
    ordering = ["-created_at", "-pk"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        """The text can be long, and no list shows it."""
        return super().get_queryset(request).defer("text")


@admin.register(GenerationRequest)
class GenerationRequestAdmin(ReadOnlyAdmin):
    """What counts towards the limits of an account, and what planning has cost."""

    list_display = ["account", "weight", "is_planning", "writer", "output_tokens", "created_at"]
    list_filter = ["is_planning", "writer"]
    search_fields = ["account__name"]
    date_hierarchy = "created_at"
    list_select_related = ["account"]
    ordering = ["-created_at", "-pk"]


@admin.register(Generation)
class GenerationAdmin(ReadOnlyAdmin):
    """Episodes on their way from prompt to audio."""

    list_display = [
        "id",
        "episode",
        "account",
        "state",
        "phase",
        "writer",
        "attempts",
        "error_code",
        "created_at",
    ]
    list_filter = ["state", "writer", "error_code"]
    search_fields = ["episode__title", "episode__uuid", "account__name"]
    date_hierarchy = "created_at"
    list_select_related = ["episode", "account"]
    ordering = ["-created_at", "-pk"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Generation]:
        """Scripts can be long, and no list shows them."""
        return super().get_queryset(request).defer("draft", "outline", "prompt")
