"""Addresses of our own that lead to a plan; those bound to an account are signed and end after a week."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing

from accounts.models import Account
from billing.plans import PLANS, Plan
from core.errors import NotFound

_SALT = "billing.checkout"
_VALID_FOR = timedelta(days=7)
_MANAGE = "manage"


class CheckoutAddressInvalid(NotFound):
    """The address was not made here, or has ended."""

    code = "checkout_address_invalid"


@dataclass(frozen=True, slots=True)
class BoundAddress:
    """What a signed address says: for which account, and for which plan (None: to manage payments).

    `reference` is the same for the same address, so that opening it twice opens one checkout.
    """

    account_id: int
    plan: Plan | None
    reference: str


def plans_address(plan: Plan) -> str:
    """The public page on plans, at one of them."""
    return f"{settings.PUBLIC_URL}/billing#{plan.id}"


def checkout_address(plan: Plan, *, account: Account) -> str:
    """Where somebody can pay `plan` for this account, whoever opens it."""
    return _bound(account, plan.id)


def management_address(account: Account) -> str:
    """Where the account's payments can be changed and cancelled."""
    return _bound(account, _MANAGE)


def read_bound_address(token: str) -> BoundAddress:
    """What the last part of a bound address says. Raises `CheckoutAddressInvalid`."""
    try:
        account_id, purpose = signing.loads(token, salt=_SALT, max_age=_VALID_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        raise CheckoutAddressInvalid("This address has ended; ask for a new one.") from None
    reference = hashlib.sha256(token.encode()).hexdigest()
    return BoundAddress(int(account_id), PLANS.get(purpose), reference)


def contact_address() -> str:
    """The operator's e-mail address; without one, the mailbox that every mail domain has (RFC 5321)."""
    known = Account.objects.filter(is_operator=True).values_list("email", flat=True).first()
    return known or f"postmaster@{urlsplit(settings.PUBLIC_URL).hostname}"


def _bound(account: Account, purpose: str) -> str:
    token = signing.dumps([account.pk, purpose], salt=_SALT)
    return f"{settings.PUBLIC_URL}/billing/checkout/{token}"
