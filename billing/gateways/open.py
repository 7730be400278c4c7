"""No payments: the plan is DEFAULT_PLAN, or what the operator grants in the admin."""

from __future__ import annotations

from typing import ClassVar

from accounts.models import Account
from billing.gateways.addresses import plans_address
from billing.plans import Plan


class OpenGateway:
    """The gateway of an instance without a Stripe key."""

    name: ClassVar[str] = "open"

    def checkout_address(self, plan: Plan, *, account: Account | None) -> str:
        """The page that says whom to ask."""
        return plans_address(plan)

    def how_to_get(self, plan: Plan) -> str:
        """One sentence for an account that has not got `plan`."""
        return f"This instance takes no payments; ask its operator to grant the plan {plan.name}."
