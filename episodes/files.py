"""Sweeps stored files that nothing refers to any more."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from core.models import StoredFile
from core.storage import GRACE, delete_stored
from episodes.assets import remove_asset
from episodes.models import AudioAsset, Episode, EpisodeDocument
from shows.models import Show


def sweep_files(*, now: datetime, limit: int = 1_000) -> int:
    """Delete audio without an episode, then files without an owner; returns the files removed.

    A produced or copied asset is created together with its use by an episode, so one without is one
    whose episode was deleted or has other audio. Uploaded audio stays: its address was promised to
    be permanent.
    A file without an owner may be one that is just being written: it gets `core.storage.GRACE`.
    """
    removed = 0
    for asset_id in list(_orphaned_assets().values_list("pk", flat=True)[:limit]):
        removed += _remove_asset(asset_id, now=now)
    for key in list(_ownerless_files(now=now).values_list("key", flat=True)[:limit]):
        delete_stored(key)
        removed += 1
    return removed


def _orphaned_assets() -> QuerySet[AudioAsset]:
    return (
        AudioAsset.objects.filter(~Exists(Episode.objects.filter(asset=OuterRef("pk"))))
        .exclude(origin=AudioAsset.Origin.UPLOADED)
        .order_by("pk")
    )


def _remove_asset(asset_id: int, *, now: datetime) -> int:
    with transaction.atomic(durable=True):
        # Locked first: an episode that names this audio locks it too.
        AudioAsset.objects.select_for_update().filter(pk=asset_id).first()
        asset = _orphaned_assets().filter(pk=asset_id).first()
        if asset is None:
            return 0
        remove_asset(asset, now=now)
    # After the commit: a crash here leaves an ownerless file, which the next sweep finds.
    delete_stored(asset.storage_key)
    return 1


def _ownerless_files(*, now: datetime) -> QuerySet[StoredFile]:
    return StoredFile.objects.filter(
        ~Exists(AudioAsset.objects.filter(storage_key=OuterRef("key"))),
        ~Exists(EpisodeDocument.objects.filter(storage_key=OuterRef("key"))),
        ~Exists(Episode.objects.filter(cover_key=OuterRef("key"))),
        ~Exists(Show.objects.filter(cover_key=OuterRef("key"))),
        created_at__lt=now - GRACE,
    ).order_by("pk")
