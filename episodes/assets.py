"""Rows of audio in our storage: written and deleted together with their bytes in the ledger."""

from __future__ import annotations

from datetime import datetime

from billing.ledger import enter_released, enter_stored
from episodes.models import AudioAsset


def add_asset(asset: AudioAsset) -> AudioAsset:
    """Write the row of a stored file; demands an open transaction.

    Raises `IntegrityError` when the account has uploaded the same bytes before.
    """
    asset.save(force_insert=True)
    enter_stored(
        account_id=asset.account_id,
        storage_key=asset.storage_key,
        size=asset.bytes,
        now=asset.created_at,
    )
    return asset


def remove_asset(asset: AudioAsset, *, now: datetime) -> None:
    """Delete the row of a file that is to go; demands an open transaction."""
    enter_released(
        account_id=asset.account_id, storage_key=asset.storage_key, size=asset.bytes, now=now
    )
    asset.delete()
