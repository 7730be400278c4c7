"""The states of checkouts, of paid subscriptions, and of work that is done through Stripe."""

from __future__ import annotations

from django.db import models


class CheckoutStatus(models.TextChoices):
    """As Stripe names them."""

    OPEN = "open", "Open"
    COMPLETE = "complete", "Complete"
    EXPIRED = "expired", "Expired"


class PaidStatus(models.TextChoices):
    """As Stripe names them."""

    ACTIVE = "active", "Active"
    CANCELED = "canceled", "Cancelled"
    INCOMPLETE = "incomplete", "Incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired", "Incomplete, expired"
    PAST_DUE = "past_due", "Past due"
    PAUSED = "paused", "Paused"
    TRIALING = "trialing", "Trialing"
    UNPAID = "unpaid", "Unpaid"


#: A subscription in one of these never comes back.
ENDED = (PaidStatus.CANCELED, PaidStatus.INCOMPLETE_EXPIRED)


class WorkState(models.TextChoices):
    """Of an inbound event or a report of usage."""

    WAITING = "waiting", "Waiting"
    DONE = "done", "Done"
    IGNORED = "ignored", "Not ours"
    FAILED = "failed", "Failed: needs the operator"
