"""Operator's view of generated trailers."""

from __future__ import annotations

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from feeds.models import Trailer


@admin.register(Trailer)
class TrailerAdmin(ReadOnlyAdmin):
    """Trailers that going live made, and how far they are."""

    list_display = ["show", "episode", "state", "production_state", "created_at"]
    list_filter = ["episode__state", "episode__production_state"]
    search_fields = ["show__title", "show__slug"]
    date_hierarchy = "created_at"
    list_select_related = ["show", "episode"]
    ordering = ["-created_at", "-pk"]

    @admin.display(ordering="episode__state")
    def state(self, trailer: Trailer) -> str:
        """Whether the public hears it."""
        return trailer.episode.get_state_display()

    @admin.display(ordering="episode__production_state", description="production")
    def production_state(self, trailer: Trailer) -> str:
        """How far its audio is."""
        return trailer.episode.get_production_state_display()
