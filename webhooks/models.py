"""Endpoint (who wants to know), Event (what happened), Delivery (telling one of the other), Attempt."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from accounts.models import Account
from core.leases import Leased, lease_while
from webhooks.event_types import EVERYTHING, EventType
from webhooks.querysets import DeliveryQuerySet, EndpointQuerySet, EventQuerySet
from webhooks.states import OPEN_STATES, DeliveryState, DisabledReason

#: So much of an endpoint's answer is kept, in characters.
ANSWER_LENGTH = 2_048


class Endpoint(models.Model):
    """An address of the account's own that is told of events.

    The secret is kept as it is: unlike a key's it has to be used, to sign each delivery.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="endpoints")
    url = models.URLField(max_length=2_000)
    events = models.JSONField(help_text='Names of events, or ["*"].')
    secret = models.CharField(max_length=100)
    previous_secret = models.CharField(max_length=100, blank=True)
    previous_secret_until = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    disabled_reason = models.CharField(
        max_length=8, choices=DisabledReason.choices, default=DisabledReason.NONE, blank=True
    )
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="The first failure since its last success."
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = EndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(disabled_reason__in=DisabledReason.values),
                name="endpoint_disabled_reason_known",
            ),
            models.CheckConstraint(
                condition=Q(is_active=True, disabled_reason="")
                | (Q(is_active=False) & ~Q(disabled_reason="")),
                name="endpoint_off_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(previous_secret="", previous_secret_until__isnull=True)
                | (~Q(previous_secret="") & Q(previous_secret_until__isnull=False)),
                name="endpoint_previous_secret_ends",
            ),
        ]
        indexes = [
            # Who is to be told: filter(account, is_active).
            models.Index(
                fields=["account"], condition=Q(is_active=True), name="endpoint_to_be_told"
            ),
        ]

    def __str__(self) -> str:
        return self.url

    def wants(self, event_type: str) -> bool:
        """Whether it asked for events of this type."""
        return EVERYTHING in self.events or event_type in self.events

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """The secrets that sign at `now`: the present one first, then one that still overlaps."""
        if self.previous_secret_until is not None and self.previous_secret_until > now:
            return self.secret, self.previous_secret
        return (self.secret,)


class Event(models.Model):
    """The outbox: written in the transaction of the change itself, turned into deliveries after it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="events")
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    type = models.CharField(max_length=32, choices=EventType.choices)
    data = models.JSONField()
    occurred_at = models.DateTimeField()
    fanned_out_at = models.DateTimeField(
        null=True, blank=True, help_text="When its deliveries were made."
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(type__in=EventType.values), name="event_type_known"),
        ]
        indexes = [
            # Replay and retention: filter(account, occurred_at >= since).
            models.Index(fields=["account", "occurred_at"], name="event_replay"),
            models.Index(fields=["occurred_at"], name="event_age"),
            # Events whose deliveries have yet to be made.
            models.Index(
                fields=["id"], condition=Q(fanned_out_at__isnull=True), name="event_not_fanned_out"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.uuid}"


class Delivery(Leased):
    """Telling one endpoint of one event; `uuid` is the `delivery_id` and stays over all attempts."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    state = models.CharField(
        max_length=9, choices=DeliveryState.choices, default=DeliveryState.WAITING
    )
    due_at = models.DateTimeField(
        help_text="When it may be tried; while it is being sent, the end of the lease."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=64, blank=True)
    last_answer = models.CharField(max_length=ANSWER_LENGTH, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values), name="delivery_state_known"
            ),
            lease_while("sending", name="delivery_lease_while_sending"),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_STATES, finished_at__isnull=True)
                | (~Q(state__in=OPEN_STATES) & Q(finished_at__isnull=False)),
                name="delivery_finished_when_final",
            ),
        ]
        indexes = [
            # The queue: what is due or abandoned.
            models.Index(
                fields=["due_at", "id"], condition=Q(state__in=OPEN_STATES), name="delivery_due"
            ),
            # The log of one endpoint, newest first.
            models.Index(fields=["endpoint", "-created_at", "-id"], name="delivery_log"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)


class Attempt(models.Model):
    """One request to an endpoint and how it ended; rows are only ever added."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempt_log")
    started_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=64, blank=True)
    answer = models.CharField(max_length=ANSWER_LENGTH, blank=True)

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.status or self.error}"
