"""Addresses of our own that lead to a plan."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from accounts.models import Account
from billing.plans import Plan


def plans_address(plan: Plan) -> str:
    """The public page on plans, at one of them."""
    return f"{settings.PUBLIC_URL}/billing#{plan.id}"


def contact_address() -> str:
    """The operator's e-mail address; without one, the mailbox that every mail domain has (RFC 5321)."""
    known = Account.objects.filter(is_operator=True).values_list("email", flat=True).first()
    return known or f"postmaster@{urlsplit(settings.PUBLIC_URL).hostname}"
