"""Opening accounts."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import Account


def open_account(*, name: str, email: str | None, now: datetime) -> Account:
    """Create an account; demands an open transaction, so that it never stands without its first key."""
    return Account.objects.create(name=name, email=email or None, created_at=now)


def ensure_operator_account(*, now: datetime) -> Account:
    """The operator's own account, made on first use; safe to call from two processes at once."""
    try:
        with transaction.atomic(durable=True):
            return Account.objects.create(name="Operator", is_operator=True, created_at=now)
    except IntegrityError:
        return Account.objects.get(is_operator=True)
