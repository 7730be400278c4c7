"""The audit log: what was done to an account, written in the transaction of the deed itself."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import Account, AuditEntry


def record_audit(
    *, account: Account, action: str, actor: str, now: datetime, **details: object
) -> None:
    """Add an entry; demands an open transaction. `details` name what was changed, never a secret."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("The audit entry belongs to the change.")
    AuditEntry.objects.create(
        account=account, action=action, actor=actor, details=details, occurred_at=now
    )
