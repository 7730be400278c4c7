"""Operator's view of keys: who holds which, and the action that revokes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin import ReadOnlyAdmin
from keys.lifecycle import revoke_keys
from keys.models import ApiKey, DeviceCode

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


class StateFilter(admin.SimpleListFilter):
    """Active, expired or revoked."""

    title = "state"
    parameter_name = "state"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[ApiKey]
    ) -> list[tuple[str, str]]:
        """The three states."""
        return [("active", "Active"), ("expired", "Expired"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        """The keys in the chosen state."""
        expired = queryset.filter(revoked_at__isnull=True, expires_at__lte=timezone.now())
        if self.value() == "revoked":
            return queryset.filter(revoked_at__isnull=False)
        if self.value() == "expired":
            return expired
        if self.value() == "active":
            return queryset.filter(revoked_at__isnull=True).exclude(pk__in=expired.values("pk"))
        return queryset


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys are shown by prefix; their secrets exist nowhere, and their hashes are not shown."""

    list_display = [
        "prefix",
        "name",
        "account",
        "access",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    ]
    list_filter = [StateFilter]
    search_fields = ["prefix", "name", "account__name", "account__email"]
    date_hierarchy = "created_at"
    list_select_related = ["account"]
    ordering = ["-created_at", "-pk"]
    exclude = ["digest"]
    actions = ["revoke"]

    @admin.display(description="access")
    def access(self, key: ApiKey) -> str:
        """The scopes, or full access."""
        return "full access" if key.scopes is None else ", ".join(key.scopes)

    @admin.action(description="Revoke the selected keys for good", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Revoke; what was revoked before keeps its date."""
        chosen = list(queryset.values_list("pk", flat=True))
        revoked = revoke_keys(key_ids=chosen, actor=f"operator {request.user}", now=timezone.now())
        self.message_user(request, f"{revoked} of {len(chosen)} keys revoked.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever may change keys by Django's permissions may revoke them."""
        return request.user.has_perm("keys.change_apikey")


@admin.register(DeviceCode)
class DeviceCodeAdmin(ReadOnlyAdmin):
    """Programs that wait to be let in; neither code nor hash is shown, for both let somebody in."""

    list_display = ["id", "approver", "created_at", "expires_at"]
    search_fields = ["approver__prefix"]
    date_hierarchy = "created_at"
    list_select_related = ["approver"]
    ordering = ["-created_at", "-pk"]
    fields = ["approver", "created_at", "expires_at"]
