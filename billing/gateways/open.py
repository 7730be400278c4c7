"""No payments: the plan is DEFAULT_PLAN, or what the operator grants in the admin."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from accounts.models import Account
from billing.gateways.addresses import plans_address
from billing.gateways.base import (
    CheckoutOrder,
    CheckoutState,
    MeteredUsage,
    MeterErrors,
    OpenedCheckout,
    PaidState,
    PaymentsNotTaken,
)
from billing.plans import Plan


class OpenGateway:
    """The gateway of an instance without a Stripe key: every payment is refused."""

    name: ClassVar[str] = "open"
    takes_payments: ClassVar[bool] = False

    def checkout_address(self, plan: Plan, *, account: Account | None) -> str:
        """The page that says whom to ask."""
        return plans_address(plan)

    def how_to_get(self, plan: Plan) -> str:
        """One sentence for an account that has not got `plan`."""
        return f"This instance takes no payments; ask its operator to grant the plan {plan.name}."

    def open_checkout(self, order: CheckoutOrder) -> OpenedCheckout:
        """Refused."""
        raise _refusal()

    def checkout_state(self, session_id: str) -> CheckoutState:
        """Refused."""
        raise _refusal()

    def paid_state(self, subscription_id: str) -> PaidState:
        """Refused."""
        raise _refusal()

    def cancel(self, subscription_id: str) -> None:
        """Refused."""
        raise _refusal()

    def management_url(self, customer_id: str) -> str:
        """Refused."""
        raise _refusal()

    def report_usage(self, usage: MeteredUsage) -> None:
        """Refused."""
        raise _refusal()

    def reported_in_minute(self, *, meter: str, customer_id: str, minute: datetime) -> int:
        """Refused."""
        raise _refusal()

    def meter_errors(self, event_id: str) -> MeterErrors:
        """Refused."""
        raise _refusal()


def _refusal() -> PaymentsNotTaken:
    return PaymentsNotTaken("This instance takes no payments; set STRIPE_SECRET_KEY to take them.")
