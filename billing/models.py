"""Subscription and UsageEntry (plan and ledger), and what is known of payments and reported usage."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from accounts.models import Account
from billing.plans import FOR_SALE, PLANS
from billing.querysets import StripeEventQuerySet, UsageReportQuerySet
from billing.states import CheckoutStatus, PaidStatus, WorkState
from core.leases import Leased, lease_whole

_SOLD = [plan.id for plan in FOR_SALE]
_SOLD_CHOICES = [(plan.id, plan.name) for plan in FOR_SALE]
_STRIPE_ID = 255
_PLAN_CHOICES = [(plan.id, plan.name) for plan in PLANS.values()]


class Subscription(models.Model):
    """Which plan an account has; its row is the lock under which quota is checked and used."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="subscription")
    plan = models.CharField(
        max_length=32, choices=_PLAN_CHOICES, help_text="The one that applies now."
    )
    granted_plan = models.CharField(
        max_length=32,
        choices=_PLAN_CHOICES,
        help_text="What applies without a payment: DEFAULT_PLAN, or what the operator granted.",
    )
    cycle_started_at = models.DateTimeField(
        help_text="Cycles are 30 days each, counted from this moment."
    )
    email = models.EmailField(
        max_length=254,
        blank=True,
        help_text="The address that was used at checkout.",
    )
    billed_to = models.CharField(
        max_length=_STRIPE_ID, blank=True, help_text="The Stripe customer who pays now, if any."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(plan__in=list(PLANS)), name="subscription_plan_known"
            ),
            models.CheckConstraint(
                condition=Q(granted_plan__in=list(PLANS)), name="subscription_granted_plan_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} on {self.plan}"


class UsageEntry(models.Model):
    """One use of something that a plan counts, or its return. Rows are only ever added.

    `reference` names what was used: an episode's guid, a stored file's key, a batch of downloads.
    `number` counts the entries of one reference from 0, so that nothing is entered twice.
    """

    class Kind(models.TextChoices):
        EPISODE = "episode", "Episode"
        DOWNLOAD = "download", "Downloads"
        STORAGE = "storage", "Storage, bytes"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="usage")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    reference = models.CharField(max_length=500)
    number = models.PositiveIntegerField(default=0)
    quantity = models.BigIntegerField(
        default=1, help_text="Episodes, downloads or bytes; below zero for their return."
    )
    occurred_at = models.DateTimeField()
    billed_to = models.CharField(
        max_length=_STRIPE_ID,
        blank=True,
        help_text="The Stripe customer who pays for it; a return names the one of the use.",
    )

    class Meta:
        verbose_name_plural = "usage entries"
        constraints = [
            models.UniqueConstraint(fields=["kind", "reference", "number"], name="usageentry_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["episode", "download", "storage"]),
                name="usageentry_kind_known",
            ),
            models.CheckConstraint(condition=~Q(quantity=0), name="usageentry_quantity_not_zero"),
            models.CheckConstraint(
                condition=~Q(kind="episode") | Q(quantity__in=[1, -1]),
                name="usageentry_one_episode_each",
            ),
        ]
        indexes = [
            # Usage inside one cycle: filter(account, kind, occurred_at >= start).
            models.Index(fields=["account", "kind", "occurred_at"], name="usageentry_cycle"),
            # What has to be reported: exclude(billed_to="").filter(occurred_at >= start).
            models.Index(
                fields=["occurred_at"], condition=~Q(billed_to=""), name="usageentry_billed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Checkout(models.Model):
    """A Stripe Checkout session that we opened for an account, and for no other."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="checkouts")
    plan = models.CharField(max_length=32, choices=_SOLD_CHOICES)
    session_id = models.CharField(max_length=_STRIPE_ID, unique=True)
    status = models.CharField(
        max_length=8, choices=CheckoutStatus.choices, default=CheckoutStatus.OPEN
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(plan__in=_SOLD), name="checkout_plan_sold"),
            models.CheckConstraint(
                condition=Q(status__in=CheckoutStatus.values), name="checkout_status_known"
            ),
        ]

    def __str__(self) -> str:
        return self.session_id


class PaidSubscription(models.Model):
    """A subscription at Stripe as it was when we last asked; bound to one account for good.

    `version` counts the answers taken over: an answer counts only if none came in between.
    """

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="paid_subscriptions"
    )
    stripe_id = models.CharField(max_length=_STRIPE_ID, unique=True)
    customer_id = models.CharField(max_length=_STRIPE_ID)
    plan = models.CharField(max_length=32, choices=_SOLD_CHOICES)
    status = models.CharField(max_length=18, choices=PaidStatus.choices)
    started_at = models.DateTimeField()
    period_started_at = models.DateTimeField()
    grace_ends_at = models.DateTimeField(
        null=True, blank=True, help_text="While a payment is overdue: until when the plan stays."
    )
    cancel_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(
        null=True, blank=True, help_text="When a newer one took its place; it is then cancelled."
    )
    version = models.PositiveIntegerField(default=1)
    refreshed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(plan__in=_SOLD), name="paidsubscription_plan_sold"),
            models.CheckConstraint(
                condition=Q(status__in=PaidStatus.values), name="paidsubscription_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status="past_due", grace_ends_at__isnull=False)
                | (~Q(status="past_due") & Q(grace_ends_at__isnull=True)),
                name="paidsubscription_grace_if_overdue",
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_id

    def grants(self, *, now: datetime) -> bool:
        """Whether the account has the plan: it is paid, or overdue for less than the grace."""
        if self.status == PaidStatus.PAST_DUE:
            return self.grace_ends_at is not None and now < self.grace_ends_at
        return self.status in {PaidStatus.ACTIVE, PaidStatus.TRIALING}


class _Work(Leased):
    """What is done through Stripe: a state, a due time, and a lease while a worker has it."""

    state = models.CharField(max_length=7, choices=WorkState.choices, default=WorkState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=WorkState.values), name="%(class)s_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", finished_at__isnull=True)
                | (~Q(state="waiting") & Q(finished_at__isnull=False)),
                name="%(class)s_finished_or_waiting",
            ),
            lease_whole(name="%(class)s_lease_whole"),
        ]
        indexes = [
            # The sweep: filter(state=waiting, due_at <= now).
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="%(class)s_due"),
        ]


class StripeEvent(_Work):
    """A verified event of Stripe: what it is about, and whether we have looked there since.

    Only the subject's id is kept: its present state is asked for, so neither order nor content
    of events matters, and nothing of the payer's is stored.
    """

    event_id = models.CharField(max_length=_STRIPE_ID, unique=True)
    type = models.CharField(max_length=_STRIPE_ID)
    subject_id = models.CharField(max_length=_STRIPE_ID, blank=True)
    created_at = models.DateTimeField(help_text="By Stripe's clock.")
    received_at = models.DateTimeField()

    objects = StripeEventQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class UsageReport(_Work):
    """Usage of one customer and UTC day that Stripe is told of, once, as one meter event.

    The quantities of a day's reports add up to the ledger; `number` counts them from 0.
    """

    class Kind(models.TextChoices):
        EPISODE = "episode", "Episodes"
        DOWNLOAD = "download", "Downloads"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="usage_reports")
    customer_id = models.CharField(max_length=_STRIPE_ID)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    day = models.DateField()
    number = models.PositiveIntegerField(default=0)
    quantity = models.BigIntegerField()
    identifier = models.UUIDField(unique=True, default=uuid.uuid4)
    happened_at = models.DateTimeField(help_text="The last use in it; decides about the invoice.")
    first_tried_at = models.DateTimeField(
        null=True, blank=True, help_text="Stripe forgets an identifier a day later."
    )
    created_at = models.DateTimeField()

    objects = UsageReportQuerySet.as_manager()

    class Meta(_Work.Meta):
        constraints = [
            *_Work.Meta.constraints,
            models.UniqueConstraint(
                fields=["customer_id", "kind", "day", "number"], name="usagereport_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["episode", "download"]), name="usagereport_kind_known"
            ),
            models.CheckConstraint(condition=~Q(quantity=0), name="usagereport_quantity_not_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.kind} of {self.day}"
