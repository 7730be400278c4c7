"""Operator's view of stored files, and the base of every page that only shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from core.models import IdempotentRequest, StoredFile

if TYPE_CHECKING:
    # Generic for the type checker only.
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(_ModelAdmin):
    """Rows that only the program writes: the operator may look, search and filter."""

    # Django 5.2 warns of every form that leaves the choice open, even of one that is only shown.
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody changes one by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody deletes one by hand."""
        return False


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdmin):
    """The register of storage."""

    list_display = ["key", "created_at"]
    search_fields = ["key"]
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-pk"]


@admin.register(IdempotentRequest)
class IdempotentRequestAdmin(ReadOnlyAdmin):
    """Requests that were sent with an Idempotency-Key within the last day."""

    list_display = ["key", "caller", "status", "created_at"]
    list_filter = ["status"]
    search_fields = ["key", "caller"]
    fields = ["caller", "key", "fingerprint", "status", "created_at"]
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-pk"]
