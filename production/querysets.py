"""Reads of productions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.leases import LeasedQuerySet
from production.states import State

if TYPE_CHECKING:
    from production.models import Production  # noqa: F401 - the generic parameter below


class ProductionQuerySet(LeasedQuerySet["Production"]):
    """Productions as rows of work."""

    open_states = (State.WAITING, State.RUNNING)
