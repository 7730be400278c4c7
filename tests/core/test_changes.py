"""Tests of how a public change is told."""

from __future__ import annotations

import pytest
from django.db import transaction

from core import changes
from core.changes import ChangeStamps, announce_change, change_stamps, tell_of_change


@pytest.fixture(autouse=True)
def data_dir(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def told(monkeypatch):
    heard = []
    monkeypatch.setattr(changes, "RECEIVERS", [heard.append])
    return heard


def stamps_of(show_id):
    words = change_stamps().words
    return words[ChangeStamps.ANY], words[ChangeStamps.slot(show_id)]


def test_a_change_gives_the_show_and_the_whole_another_stamp(data_dir):
    other_process = ChangeStamps(data_dir / "changes")
    first, neighbour = stamps_of(7), stamps_of(8)[1]

    tell_of_change(7)

    assert all(new != old for new, old in zip(stamps_of(7), first, strict=True))
    assert stamps_of(8)[1] == neighbour
    assert other_process.words[ChangeStamps.slot(7)] == stamps_of(7)[1]


def test_it_is_told_after_the_commit_and_not_before(transactional_db, told):
    with transaction.atomic():
        before = stamps_of(7)
        announce_change(7)
        assert stamps_of(7) == before
        assert told == []

    assert stamps_of(7) != before
    assert told == [7]


def test_what_is_rolled_back_is_not_told(transactional_db, told):
    with transaction.atomic():
        announce_change(7)
        transaction.set_rollback(True)

    assert told == []


def test_it_belongs_into_the_transaction_of_the_change(transactional_db):
    with pytest.raises(transaction.TransactionManagementError):
        announce_change(7)


def test_a_receiver_that_fails_does_not_fail_the_change(transactional_db, monkeypatch):
    def fail(show_id):
        raise OSError

    monkeypatch.setattr(changes, "RECEIVERS", [fail])

    with transaction.atomic():
        announce_change(7)


def test_without_shared_memory_nothing_may_be_kept(tmp_path):
    words = ChangeStamps(tmp_path).words  # a folder is in the way
    words[3] = 1

    assert words[3] != words[3]


def test_every_show_has_a_slot_of_its_own_beside_the_whole():
    assert len({ChangeStamps.slot(show_id) for show_id in range(changes.SLOTS)}) == changes.SLOTS
    assert ChangeStamps.slot(0) != ChangeStamps.ANY
    assert ChangeStamps.slot(2**63 - 1) <= changes.SLOTS
