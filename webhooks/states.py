"""States of a delivery, and the reasons why an endpoint is off."""

from __future__ import annotations

from django.db import models


class DeliveryState(models.TextChoices):
    """Waiting and sending are the queue; the others are final until somebody asks for it again."""

    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Sending"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed: all attempts are used up"
    CANCELLED = "cancelled", "Cancelled: its endpoint was switched off"


OPEN_STATES = (DeliveryState.WAITING, DeliveryState.SENDING)


class DisabledReason(models.TextChoices):
    """Why an endpoint is off; empty while it is on."""

    NONE = "", "None: it is on"
    OWNER = "owner", "Switched off by its owner"
    OPERATOR = "operator", "Switched off by the operator"
    GONE = "gone", "It answered 410 Gone"
    FAILING = "failing", "It failed for days"
