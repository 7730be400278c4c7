"""What billing asks of whoever takes payments, and the typed values that it answers with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

from accounts.models import Account
from billing.plans import Plan
from core.errors import Conflict, Upstream


class PaymentsNotTaken(Conflict):
    """This instance takes no payments."""

    code = "payments_not_taken"


class GatewayFailed(Upstream):
    """The payment service refused a request or could not be reached; `message` says which."""

    code = "payment_service_failed"


class GatewayRefused(GatewayFailed):
    """The payment service says that the request itself is wrong: sending it again will not help."""

    code = "payment_service_refused"


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """One account that wants to pay for one plan. The same `reference` opens the same checkout."""

    account_id: int
    plan: Plan
    email: str
    reference: str


@dataclass(frozen=True, slots=True)
class OpenedCheckout:
    """A page of the payment service where the order can be paid."""

    session_id: str
    url: str


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """How a checkout stands now; `subscription_id` is "" until it is paid."""

    session_id: str
    account_id: int | None
    status: str
    subscription_id: str
    email: str


@dataclass(frozen=True, slots=True)
class PaidState:
    """How a paid subscription stands now. `account_id` None: it was not sold by this instance."""

    subscription_id: str
    customer_id: str
    account_id: int | None
    plan_id: str
    status: str
    started_at: datetime
    period_started_at: datetime
    cancel_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class MeteredUsage:
    """Use that a customer has to pay for; the same `identifier` counts once within a day."""

    meter: str
    customer_id: str
    quantity: int
    identifier: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class MeterError:
    """Usage that was taken, and could not be counted."""

    identifier: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class MeterErrors:
    """All that went wrong with meters in a while: how many errors, and those that are named."""

    count: int
    named: list[MeterError]


class Gateway(Protocol):
    """Takes payments for plans, or says how else a plan is to be had."""

    name: ClassVar[str]
    takes_payments: ClassVar[bool]

    def checkout_address(self, plan: Plan, *, account: Account | None) -> str:
        """Where a person can get `plan`: for this account, or in general where that is None."""
        ...

    def how_to_get(self, plan: Plan) -> str:
        """One sentence for an account that has not got `plan`."""
        ...

    def open_checkout(self, order: CheckoutOrder) -> OpenedCheckout:
        """A page to pay at. Raises `PaymentsNotTaken` or `GatewayFailed`, as all below."""
        ...

    def checkout_state(self, session_id: str) -> CheckoutState:
        """The present state of a checkout."""
        ...

    def paid_state(self, subscription_id: str) -> PaidState:
        """The present state of a subscription."""
        ...

    def cancel(self, subscription_id: str) -> None:
        """End a subscription now and settle what was used; one that has ended already is no error."""
        ...

    def management_url(self, customer_id: str) -> str:
        """A page where the customer changes the card, reads invoices and cancels."""
        ...

    def report_usage(self, usage: MeteredUsage) -> None:
        """Tell what was used; a repetition of what is known already is no error."""
        ...

    def reported_in_minute(self, *, meter: str, customer_id: str, minute: datetime) -> int:
        """What the payment service has counted for a customer within the minute from `minute` on."""
        ...

    def meter_errors(self, event_id: str) -> MeterErrors:
        """What an event about errors of meters tells."""
        ...
