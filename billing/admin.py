"""Operator's view of plans, usage, payments and Stripe's events, and the actions that grant and retry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from billing.models import (
    Checkout,
    PaidSubscription,
    StripeEvent,
    Subscription,
    UsageEntry,
    UsageReport,
)
from billing.plans import PLANS, Plan
from billing.querysets import WorkQuerySet
from billing.services import grant_plan
from billing.work import try_again
from core.admin import ReadOnlyAdmin


def _granting(plan: Plan) -> Callable[..., None]:
    @admin.action(description=f"Grant the plan {plan.name}", permissions=["grant"])
    def grant(
        model_admin: SubscriptionAdmin, request: HttpRequest, queryset: QuerySet[Subscription]
    ) -> None:
        accounts = list(queryset.values_list("account_id", flat=True))
        now = timezone.now()
        changed = sum(grant_plan(account_id=account, plan=plan, now=now) for account in accounts)
        model_admin.message_user(
            request,
            f"{plan.name} granted to {len(accounts)} accounts; the plan of {changed} has changed.",
        )

    grant.__name__ = f"grant_{plan.id}"
    return grant


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """A plan is granted by an action, so that its cycle starts with it."""

    list_display = ["account", "plan", "granted_plan", "billed_to", "cycle_started_at"]
    list_filter = ["plan", "granted_plan"]
    search_fields = ["account__name", "account__email", "email", "billed_to"]
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

    list_display = ["account", "kind", "reference", "quantity", "billed_to", "occurred_at"]
    list_filter = ["kind"]
    search_fields = ["reference", "account__name", "account__email", "billed_to"]
    date_hierarchy = "occurred_at"
    list_select_related = ["account"]
    ordering = ["-occurred_at", "-pk"]
    show_full_result_count = False


@admin.register(Checkout)
class CheckoutAdmin(ReadOnlyAdmin):
    """Checkout sessions, each opened for one account."""

    list_display = ["session_id", "account", "plan", "status", "created_at"]
    list_filter = ["status", "plan"]
    search_fields = ["session_id", "account__name", "account__email"]
    date_hierarchy = "created_at"
    list_select_related = ["account"]
    ordering = ["-created_at", "-pk"]


@admin.register(PaidSubscription)
class PaidSubscriptionAdmin(ReadOnlyAdmin):
    """Subscriptions at Stripe as they were when we last asked."""

    list_display = [
        "stripe_id",
        "account",
        "plan",
        "status",
        "customer_id",
        "started_at",
        "grace_ends_at",
        "cancel_at",
        "ended_at",
        "refreshed_at",
    ]
    list_filter = ["status", "plan"]
    search_fields = ["stripe_id", "customer_id", "account__name", "account__email"]
    date_hierarchy = "started_at"
    list_select_related = ["account"]
    ordering = ["-started_at", "-pk"]


class _WorkAdmin(ReadOnlyAdmin):
    """Work done through Stripe that an operator may have tried again."""

    actions = ["try_again"]
    show_full_result_count = False

    @admin.action(description="Try again", permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: WorkQuerySet[Any]) -> None:
        """Have the sweep take up the chosen rows again; what Stripe knows is not sent twice."""
        self.message_user(request, f"{try_again(queryset, now=timezone.now())} rows are due.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whoever may change such rows by Django's permissions may have them tried again."""
        return request.user.has_perm(f"billing.change_{self.opts.model_name}")


@admin.register(StripeEvent)
class StripeEventAdmin(_WorkAdmin):
    """What Stripe told, and whether we have looked since."""

    list_display = [
        "event_id",
        "type",
        "subject_id",
        "state",
        "attempts",
        "error",
        "due_at",
        "received_at",
        "finished_at",
    ]
    list_filter = ["state", "type"]
    search_fields = ["event_id", "subject_id", "type", "error"]
    date_hierarchy = "received_at"
    ordering = ["-received_at", "-pk"]


@admin.register(UsageReport)
class UsageReportAdmin(_WorkAdmin):
    """What Stripe was told, or is to be told, of usage."""

    list_display = [
        "account",
        "customer_id",
        "kind",
        "day",
        "quantity",
        "state",
        "attempts",
        "error",
        "due_at",
        "finished_at",
    ]
    list_filter = ["state", "kind"]
    search_fields = ["customer_id", "identifier", "account__name", "account__email", "error"]
    date_hierarchy = "day"
    list_select_related = ["account"]
    ordering = ["-day", "-pk"]
