"""Reads of what is done through Stripe."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db import models

from billing.states import WorkState
from core.leases import LeasedQuerySet

if TYPE_CHECKING:
    from billing.models import StripeEvent, UsageReport  # noqa: F401 - the generic parameters below

_Row_co = TypeVar("_Row_co", bound=models.Model, covariant=True)


class WorkQuerySet(LeasedQuerySet[_Row_co]):
    """Events to be looked into, and usage to be reported, as rows of work."""

    open_states = (WorkState.WAITING,)


class StripeEventQuerySet(WorkQuerySet["StripeEvent"]):
    """Events to be looked into."""


class UsageReportQuerySet(WorkQuerySet["UsageReport"]):
    """Usage to be reported."""
