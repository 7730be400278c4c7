"""Operator's view of accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from accounts.models import Account, AuditEntry
from core.admin import ReadOnlyAdmin

if TYPE_CHECKING:
    _AccountAdmin = admin.ModelAdmin[Account]
else:
    _AccountAdmin = admin.ModelAdmin


@admin.register(Account)
class AccountAdmin(_AccountAdmin):
    """Accounts open with their first key, so none is added here; name and e-mail can be mended."""

    list_display = ["__str__", "email", "is_operator", "active_keys", "created_at"]
    list_filter = ["is_operator"]
    search_fields = ["name", "email"]
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-pk"]
    fields = ["name", "email", "is_operator", "created_at"]
    readonly_fields = ["is_operator", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        """Rows with their number of keys, counted in the same query."""
        return (
            super()
            .get_queryset(request)
            .annotate(active_keys=Count("keys", filter=Q(keys__revoked_at__isnull=True)))
        )

    @admin.display(ordering="active_keys")
    def active_keys(self, account: Account) -> int:
        """Keys that are not revoked."""
        return int(account.active_keys)  # type: ignore[attr-defined] # annotated above

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An account without a key is of no use."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """The ledger keeps accounts; revoking their keys closes them."""
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what to which account."""

    list_display = ["occurred_at", "account", "action", "actor", "details"]
    list_filter = ["action"]
    search_fields = ["actor", "account__name", "account__email"]
    date_hierarchy = "occurred_at"
    list_select_related = ["account"]
    ordering = ["-occurred_at", "-pk"]
