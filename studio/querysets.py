"""Reads of the Studio's rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

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


class SourceQuerySet(models.QuerySet["Source"]):
    """Chainable reads, named by meaning."""

    def visible_to(self, account: Account) -> Self:
        """Sources of one account; everybody else's do not exist for it."""
        return self.filter(account=account)

    def claimable(self, *, now: datetime) -> Self:
        """What waits to be read and is due, and what was left by a worker that died."""
        return self.filter(state=SourceState.PROCESSING, due_at__lte=now).filter(
            Q(lease_until__isnull=True) | Q(lease_until__lte=now)
        )


class GenerationQuerySet(models.QuerySet["Generation"]):
    """Chainable reads, named by meaning."""

    def under_way(self, account: Account) -> Self:
        """What the account has asked for and not got yet."""
        return self.filter(account=account, state__in=UNDER_WAY)

    def worked_on(self, account: Account) -> Self:
        """Of these, what is being written or produced."""
        return self.filter(account=account, state__in=WORKED_ON)

    def claimable(self, *, now: datetime) -> Self:
        """What waits and is due, and what was left by a worker that died."""
        return self.filter(
            Q(state=GenerationState.QUEUED, due_at__lte=now)
            | Q(state=GenerationState.WRITING, lease_until__lte=now)
        )
