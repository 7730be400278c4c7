from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from billing.cycles import cycle_at
from billing.ledger import (
    CountedDownloads,
    enter_downloads,
    enter_released,
    enter_stored,
    stored_bytes,
    used_in,
)
from billing.models import UsageEntry
from episodes.files import sweep_files
from episodes.models import AudioAsset
from episodes.services import delete_episode
from shows.services import delete_show
from tests.factories.published import AUDIO, publish_produced


def downloads(owner, now):
    cycle = cycle_at(started_at=owner.created_at, now=now)
    return used_in(cycle, account=owner, kind=UsageEntry.Kind.DOWNLOAD)


class TestDownloads:
    def test_are_entered_once_however_often_the_counter_comes(self, owner, now):
        batches = [
            CountedDownloads(owner.pk, "0:1-9", 7, now),
            CountedDownloads(owner.pk, "0:10-12", 3, now),
        ]

        for _ in range(2):
            with transaction.atomic():
                enter_downloads(batches=batches)
        with transaction.atomic():
            enter_downloads(batches=[*batches, CountedDownloads(owner.pk, "0:13-13", 1, now)])

        assert downloads(owner, now) == 11

    def test_are_corrected_by_a_batch_below_zero(self, owner, now):
        with transaction.atomic():
            enter_downloads(batches=[CountedDownloads(owner.pk, "0:1-9", 7, now)])
            enter_downloads(batches=[CountedDownloads(owner.pk, "0:1-9 robots", -2, now)])

        assert downloads(owner, now) == 5

    def test_without_any_leave_no_entry(self, owner, now):
        with transaction.atomic():
            enter_downloads(batches=[CountedDownloads(owner.pk, "0:1-9", 0, now)])

        assert not UsageEntry.objects.exists()

    def test_belong_to_the_cycle_that_they_happened_in(self, owner, now):
        with transaction.atomic():
            enter_downloads(
                batches=[CountedDownloads(owner.pk, "late", 4, now + timedelta(days=29))]
            )

        assert downloads(owner, now + timedelta(days=30)) == 0
        assert downloads(owner, now + timedelta(days=29)) == 4

    def test_go_with_the_transaction_of_the_counter(self, owner, now):
        with pytest.raises(transaction.TransactionManagementError):
            enter_downloads(batches=[CountedDownloads(owner.pk, "0:1-9", 7, now)])


class TestStorage:
    def test_follows_every_asset_from_its_first_to_its_last_moment(self, owner, show, now):
        kept = publish_produced(owner, show, now=now)
        gone = publish_produced(owner, show, now=now)
        assert stored_bytes(account=owner) == 2 * len(AUDIO)

        delete_episode(account=owner, episode_id=gone.pk, now=now)
        sweep_files(now=now)
        sweep_files(now=now)

        assert stored_bytes(account=owner) == len(AUDIO) == kept.asset.bytes
        delete_show(account=owner, show_id=show.pk, now=now)
        sweep_files(now=now)
        assert stored_bytes(account=owner) == 0
        assert not AudioAsset.objects.exists()

    def test_demands_the_transaction_of_the_row(self, owner, now):
        for enter in (enter_stored, enter_released):
            with pytest.raises(transaction.TransactionManagementError):
                enter(account_id=owner.pk, storage_key="audio/a.mp3", size=1, now=now)
