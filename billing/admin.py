"""Operator's view of plans and usage, and the actions that grant a plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from billing.models import Subscription, UsageEntry
from billing.plans import PLANS, Plan
from billing.services import grant_plan
from core.admin import ReadOnlyAdmin


def _granting(plan: Plan) -> Callable[..., None]:
    @admin.action(description=f"Grant the plan {plan.name}", permissions=["grant"])
    def grant(
        model_admin: SubscriptionAdmin, request: HttpRequest, queryset: QuerySet[Subscription]
    ) -> None:
        accounts = list(queryset.values_list("account_id", flat=True))
        now = timezone.now()
        granted = sum(grant_plan(account_id=account, plan=plan, now=now) for account in accounts)
        model_admin.message_user(
            request, f"{granted} of {len(accounts)} accounts are now on {plan.name}."
        )

    grant.__name__ = f"grant_{plan.id}"
    return grant


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """A plan is granted by an action, so that its cycle starts with it."""

    list_display = ["account", "plan", "granted_plan", "cycle_started_at"]
    list_filter = ["plan", "granted_plan"]
    search_fields = ["account__name", "account__email", "email"]
    date_hierarchy = "cycle_started_at"
    list_select_related = ["account"]
    ordering = ["-cycle_started_at", "-pk"]
    actions: list[Any] = [_granting(plan) for plan in PLANS.values()]

    def has_grant_permission(self, request: HttpRequest) -> bool:
        """Whoever may change subscriptions by Django's permissions may grant plans."""
        return request.user.has_perm("billing.change_subscription")


@admin.register(UsageEntry)
class UsageEntryAdmin(ReadOnlyAdmin):
    """The ledger; its rows are only ever added, and only by the program."""

    list_display = ["account", "kind", "reference", "quantity", "occurred_at"]
    list_filter = ["kind"]
    search_fields = ["reference", "account__name", "account__email"]
    date_hierarchy = "occurred_at"
    list_select_related = ["account"]
    ordering = ["-occurred_at", "-pk"]
