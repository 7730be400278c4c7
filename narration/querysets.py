"""Reads of narrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from core.leases import LeasedQuerySet

if TYPE_CHECKING:
    from accounts.models import Account
    from narration.models import Narration  # noqa: F401 - the generic parameter below


class NarrationQuerySet(LeasedQuerySet["Narration"]):
    """Chainable reads, named by meaning."""

    open_states = ("waiting", "preparing")

    def visible_to(self, account: Account) -> Self:
        """Narrations of one account; everybody else's do not exist for it."""
        return self.filter(episode__show__account=account)

    def with_episode(self) -> Self:
        """Adds the rows that the contract's object shows."""
        return self.select_related("episode__asset")

    def newest_first(self) -> Self:
        """Latest created first, ties by id."""
        return self.order_by("-created_at", "-pk")
