"""Reads of endpoints, events and deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

from core.leases import LeasedQuerySet
from webhooks.states import OPEN_STATES

if TYPE_CHECKING:
    from accounts.models import Account
    from webhooks.models import Delivery, Endpoint, Event  # noqa: F401 - generic parameters below


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    """Chainable reads, named by meaning."""

    def visible_to(self, account: Account) -> Self:
        """Endpoints of one account; everybody else's do not exist for it."""
        return self.filter(account=account)

    def active(self) -> Self:
        """Those that are told of new events."""
        return self.filter(is_active=True)

    def newest_first(self) -> Self:
        """Latest registered first, ties by id."""
        return self.order_by("-created_at", "-pk")


class EventQuerySet(models.QuerySet["Event"]):
    """Chainable reads, named by meaning."""

    def not_fanned_out(self) -> Self:
        """Events whose deliveries have yet to be made, in the order in which they happened."""
        return self.filter(fanned_out_at__isnull=True).order_by("pk")

    def finished_before(self, moment: datetime) -> Self:
        """Events from before `moment` that nobody is still to be told of, oldest first."""
        known = self.filter(occurred_at__lt=moment)
        return known.exclude(deliveries__state__in=OPEN_STATES).order_by("pk")


class DeliveryQuerySet(LeasedQuerySet["Delivery"]):
    """Chainable reads, named by meaning."""

    open_states = OPEN_STATES

    def visible_to(self, account: Account) -> Self:
        """Deliveries to endpoints of one account."""
        return self.filter(endpoint__account=account)

    def open(self) -> Self:
        """Deliveries that are still to be made."""
        return self.filter(state__in=OPEN_STATES)

    def not_to(self, endpoint_ids: Iterable[int]) -> Self:
        """Deliveries to other endpoints than these."""
        return self.exclude(endpoint_id__in=list(endpoint_ids))

    def newest_first(self) -> Self:
        """Latest made first, ties by id."""
        return self.order_by("-created_at", "-pk")
