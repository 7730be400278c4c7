"""Reads of the Studio's rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from core.leases import LeasedQuerySet
from studio.states import UNDER_WAY, WORKED_ON, GenerationState, SourceState

if TYPE_CHECKING:
    from accounts.models import Account
    from studio.models import (  # noqa: F401 - the generic parameters below
        Generation,
        Host,
        Source,
    )


class HostQuerySet(models.QuerySet["Host"]):
    """Chainable reads, named by meaning."""

    def usable(self, account: Account) -> Self:
        """The account's hosts that are not archived; everybody else's do not exist for it."""
        return self.filter(account=account, archived_at__isnull=True)

    def listed(self, account: Account, *, voices: Collection[str]) -> Self:
        """Usable ones, without default hosts whose voice is gone."""
        return self.usable(account).filter(Q(made_for_voice__isnull=True) | Q(voice__in=voices))


class SourceQuerySet(LeasedQuerySet["Source"]):
    """Chainable reads, named by meaning."""

    open_states = (SourceState.PROCESSING,)

    def visible_to(self, account: Account) -> Self:
        """Sources of one account; everybody else's do not exist for it."""
        return self.filter(account=account)


class GenerationQuerySet(LeasedQuerySet["Generation"]):
    """Chainable reads, named by meaning."""

    open_states = (GenerationState.QUEUED, GenerationState.WRITING)

    def under_way(self, account: Account) -> Self:
        """What the account has asked for and not got yet."""
        return self.filter(account=account, state__in=UNDER_WAY)

    def worked_on(self, account: Account) -> Self:
        """Of these, what is being written or produced."""
        return self.filter(account=account, state__in=WORKED_ON)
