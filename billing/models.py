"""Subscription (an account's plan and cycle) and UsageEntry (the append-only ledger)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Account
from billing.plans import PLANS

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
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
