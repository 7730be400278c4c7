"""Reads of what is done through Stripe."""

from __future__ import annotations

from typing import TypeVar

from django.db import models

from billing.states import WorkState
from core.leases import LeasedQuerySet

_Row_co = TypeVar("_Row_co", bound=models.Model, covariant=True)


class WorkQuerySet(LeasedQuerySet[_Row_co]):
    """Events to be looked into, and usage to be reported, as rows of work."""

    open_states = (WorkState.WAITING,)
