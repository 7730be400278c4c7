"""Tests of several machines: segments go to the shared store and are counted from there once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.core.files.storage import default_storage

from analytics.feeding import count_waiting
from analytics.models import Download, Segment
from analytics.segments import StoredHits
from analytics.shipping import Forwarder, ship_sealed
from tests.analytics.hit_making import MIDNIGHT, make_hit, piece_of
from tests.factories.published import publish_external

NOON = MIDNIGHT + timedelta(hours=12)


@pytest.fixture
def episode(owner, show):
    return publish_external(owner, show, now=MIDNIGHT - timedelta(days=1))


@pytest.fixture
def store(settings):
    """By the setting, which Django forgets all storages for: who asked first would keep this one."""
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    }
    return StoredHits(default_storage)


@pytest.fixture
def machine(tmp_path, episode):
    """The spool of a machine with one sealed segment of a new listener."""

    def make(name):
        folder = tmp_path / name / "spool"
        folder.mkdir(parents=True)
        piece = piece_of(make_hit(NOON, listener=name, episode_id=episode.pk))
        (folder / piece.name).write_bytes(b"".join(hit.pack() for hit in piece.hits))
        return folder

    return make


def test_segments_of_all_machines_are_counted_once(store, machine):
    machines = [machine("one"), machine("two")]
    for folder in machines:
        assert ship_sealed(folder, store) == 1
        assert ship_sealed(folder, store) == 0
    assert len(store.waiting()) == 2

    with time_machine.travel(NOON):
        for _ in range(2):
            count_waiting(clock=lambda: NOON)

    assert Download.objects.count() == 2
    assert store.waiting() == []
    assert sum(map(len, store.kept().values())) == 2


def test_a_segment_that_was_shipped_before_a_crash_counts_once(store, machine):
    folder = machine("one")
    (path,) = folder.glob("*.hits")
    content = path.read_bytes()
    ship_sealed(folder, store)
    count_waiting(clock=lambda: NOON)
    path.write_bytes(content)

    ship_sealed(folder, store)
    count_waiting(clock=lambda: NOON)

    assert Download.objects.count() == 1
    assert Segment.objects.count() == 1
    assert store.waiting() == []


def test_two_processes_of_a_machine_do_not_ship_at_once(store, machine):
    folder = machine("one")

    with ThreadPoolExecutor(4) as pool:
        shipped = list(pool.map(lambda _: ship_sealed(folder, store), range(4)))

    assert sum(shipped) == 1


class TestForwarder:
    def test_rings_for_each_segment_and_leaves_it_where_the_store_is_down(self, machine):
        folder, rung = machine("one"), threading.Event()
        forwarder = Forwarder(folder, store=lambda: None, ring=rung.set)
        forwarder.wake()
        assert rung.wait(100)
        forwarder.close()

        tried = threading.Event()

        def fail():
            tried.set()
            raise ConnectionError

        forwarder = Forwarder(folder, store=fail, ring=rung.set)
        forwarder.wake()
        assert tried.wait(100)
        forwarder.close()
        assert len(list(folder.glob("*.hits"))) == 1

    def test_ships_where_machines_share_a_store(self, machine, store):
        folder, rung = machine("one"), threading.Event()
        forwarder = Forwarder(folder, store=lambda: store, ring=rung.set)

        forwarder.wake()

        assert rung.wait(100)
        forwarder.close()
        assert len(store.waiting()) == 1
