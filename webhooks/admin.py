"""Operator's view of endpoints, events, deliveries and attempts, and the buttons that help owners."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin import ReadOnlyAdmin
from core.errors import PodwrightError
from webhooks.models import Attempt, Delivery, Endpoint, Event
from webhooks.services import disable_by_operator, redeliver


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    """Endpoints belong to their accounts; their secrets are nobody else's business."""

    list_display = ["url", "account", "is_active", "disabled_reason", "failing_since", "created_at"]
    list_filter = ["is_active", "disabled_reason"]
    search_fields = ["url", "account__name", "account__email"]
    date_hierarchy = "created_at"
    list_select_related = ["account"]
    ordering = ["-created_at", "-pk"]
    exclude = ["secret", "previous_secret"]
    actions = ["switch_off"]

    @admin.action(description="Switch off", permissions=["switch"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Stop all deliveries to the chosen endpoints; their owners can switch them on again."""
        chosen = list(queryset.values_list("pk", flat=True))
        changed = disable_by_operator(endpoint_ids=chosen, now=timezone.now())
        self.message_user(request, f"{changed} webhooks switched off.")

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Whoever may change endpoints by Django's permissions may switch them off."""
        return request.user.has_perm("webhooks.change_endpoint")


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What happened, as endpoints are told."""

    list_display = ["type", "account", "uuid", "occurred_at", "fanned_out_at"]
    list_filter = ["type"]
    search_fields = ["uuid", "account__name", "account__email"]
    date_hierarchy = "occurred_at"
    list_select_related = ["account"]
    ordering = ["-occurred_at", "-pk"]
    show_full_result_count = False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Deliveries, with how the last attempt ended."""

    list_display = [
        "uuid",
        "event",
        "endpoint",
        "state",
        "attempts",
        "last_status",
        "last_error",
        "due_at",
        "created_at",
    ]
    list_filter = ["state", "last_status", "last_error"]
    search_fields = ["uuid", "event__uuid", "endpoint__url"]
    date_hierarchy = "created_at"
    list_select_related = ["event", "endpoint"]
    ordering = ["-created_at", "-pk"]
    show_full_result_count = False
    actions = ["redeliver"]

    @admin.action(description="Send again", permissions=["redeliver"])
    def redeliver(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Queue the chosen deliveries again."""
        queued = 0
        for delivery in queryset.select_related("endpoint__account"):
            try:
                redeliver(
                    account=delivery.endpoint.account,
                    delivery_id=delivery.uuid,
                    now=timezone.now(),
                )
                queued += 1
            except PodwrightError as error:
                self.message_user(request, f"{delivery}: {error.message}", messages.WARNING)
        self.message_user(request, f"{queued} deliveries queued.")

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        """Whoever may change deliveries by Django's permissions may send them again."""
        return request.user.has_perm("webhooks.change_delivery")


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """Every request that was sent."""

    list_display = ["delivery", "started_at", "milliseconds", "status", "error"]
    list_filter = ["status", "error"]
    search_fields = ["delivery__uuid", "delivery__endpoint__url", "error"]
    date_hierarchy = "started_at"
    list_select_related = ["delivery"]
    ordering = ["-started_at", "-pk"]
    show_full_result_count = False
