"""The ledger: what other apps enter into it in their own transactions, and its sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Sum

from accounts.models import Account
from billing.cycles import Cycle
from billing.models import Subscription, UsageEntry

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class CountedDownloads:
    """A number of downloads of one account, counted together.

    `reference` names the batch, unlike every other batch of any account, in at most 500 characters.
    `occurred_at` is the moment, or the start of the hour or day, that decides about the cycle.
    `quantity` is below zero where an earlier batch has to be corrected.
    """

    account_id: int
    reference: str
    quantity: int
    occurred_at: datetime


def enter_downloads(*, batches: Sequence[CountedDownloads]) -> None:
    """Enter what the download counter found; demands the transaction of its position.

    A batch whose reference was entered before changes nothing, so a counter may come again.
    """
    _demand_transaction()
    payers = dict(
        Subscription.objects.filter(account__in={batch.account_id for batch in batches})
        .exclude(billed_to="")
        .values_list("account_id", "billed_to")
    )
    UsageEntry.objects.bulk_create(
        (
            UsageEntry(
                account_id=batch.account_id,
                kind=UsageEntry.Kind.DOWNLOAD,
                reference=batch.reference,
                quantity=batch.quantity,
                occurred_at=batch.occurred_at,
                billed_to=payers.get(batch.account_id, ""),
            )
            for batch in batches
            if batch.quantity
        ),
        ignore_conflicts=True,
        batch_size=_CHUNK,
    )


def enter_stored(*, account_id: int, storage_key: str, size: int, now: datetime) -> None:
    """Enter a stored file of `size` bytes; demands the transaction that writes its row."""
    _demand_transaction()
    _enter_bytes(account_id, storage_key, number=0, size=size, now=now)


def enter_released(*, account_id: int, storage_key: str, size: int, now: datetime) -> None:
    """Enter that a stored file is gone; demands the transaction that deletes its row."""
    _demand_transaction()
    _enter_bytes(account_id, storage_key, number=1, size=-size, now=now)


def episode_entries(*, reference: str) -> tuple[int, int]:
    """How many entries an episode has, and their sum (1 = used, 0 = not used or given back)."""
    found = UsageEntry.objects.filter(kind=UsageEntry.Kind.EPISODE, reference=reference).aggregate(
        entries=Count("pk"), balance=Sum("quantity")
    )
    return found["entries"], found["balance"] or 0


def payer_of_episode(*, reference: str) -> str:
    """The Stripe customer whom the last use of an episode was entered for, "" if nobody pays."""
    uses = UsageEntry.objects.filter(kind=UsageEntry.Kind.EPISODE, reference=reference, quantity=1)
    return uses.order_by("-number").values_list("billed_to", flat=True).first() or ""


def used_in(cycle: Cycle, *, account: Account, kind: UsageEntry.Kind) -> int:
    """Episodes or downloads of one cycle, never below zero: returns of an earlier cycle's are not owed."""
    entries = UsageEntry.objects.filter(
        account=account, kind=kind, occurred_at__gte=cycle.start, occurred_at__lt=cycle.end
    )
    return max(0, entries.aggregate(total=Sum("quantity"))["total"] or 0)


def stored_bytes(*, account: Account) -> int:
    """Bytes of the account's audio in our storage at this moment."""
    entries = UsageEntry.objects.filter(account=account, kind=UsageEntry.Kind.STORAGE)
    return entries.aggregate(total=Sum("quantity"))["total"] or 0


def _enter_bytes(
    account_id: int, storage_key: str, *, number: int, size: int, now: datetime
) -> None:
    UsageEntry.objects.create(
        account_id=account_id,
        kind=UsageEntry.Kind.STORAGE,
        reference=storage_key,
        number=number,
        quantity=size,
        occurred_at=now,
    )


def _demand_transaction() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("Usage is entered with what was used.")
