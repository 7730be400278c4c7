"""Subscription (an account's plan and cycle) and UsageEntry (the append-only ledger)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Account
from billing.plans import PLANS


class Subscription(models.Model):
    """Which plan an account has; its row is the lock under which quota is checked and used."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="subscription")
    plan = models.CharField(max_length=32, choices=[(p.id, p.name) for p in PLANS.values()])
    cycle_started_at = models.DateTimeField(
        help_text="Cycles are 30 days each, counted from this moment."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(plan__in=list(PLANS)), name="subscription_plan_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} on {self.plan}"


class UsageEntry(models.Model):
    """One use of something that a plan counts, or its return. Rows are only ever added.

    `reference` names what was used (for episodes its guid) and `number` counts the entries of one
    reference from 0, so that the same use or return is never entered twice.
    """

    class Kind(models.TextChoices):
        EPISODE = "episode", "Episode"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="usage")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    reference = models.CharField(max_length=64)
    number = models.PositiveIntegerField(default=0)
    quantity = models.IntegerField(default=1, help_text="1 for a use, -1 for its return.")
    occurred_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "usage entries"
        constraints = [
            models.UniqueConstraint(fields=["kind", "reference", "number"], name="usageentry_once"),
            models.CheckConstraint(condition=Q(kind__in=["episode"]), name="usageentry_kind_known"),
            models.CheckConstraint(condition=~Q(quantity=0), name="usageentry_quantity_not_zero"),
        ]
        indexes = [
            # Usage inside one cycle: filter(account, kind, occurred_at >= start).
            models.Index(fields=["account", "kind", "occurred_at"], name="usageentry_cycle"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
