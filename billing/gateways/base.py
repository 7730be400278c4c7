"""What billing asks of whoever takes payments."""

from __future__ import annotations

from typing import ClassVar, Protocol

from accounts.models import Account
from billing.plans import Plan


class Gateway(Protocol):
    """Takes payments for plans, or says how else a plan is to be had."""

    name: ClassVar[str]

    def checkout_address(self, plan: Plan, *, account: Account | None) -> str:
        """Where a person can get `plan`: for this account, or in general where that is None."""
        ...

    def how_to_get(self, plan: Plan) -> str:
        """One sentence for an account that has not got `plan`."""
        ...
