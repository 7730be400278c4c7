"""Tests of what a web process keeps: bounded, and what is asked for stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from edge.shelf import Shelf


class Kept:
    def __init__(self, weight=0):
        self.slot = self.stamp = 0
        self.used = False
        self.address = ""
        self.weight = self.held = weight

    def answer(self, environ):
        raise NotImplementedError

    def measure(self):
        return self.held

    def shed(self):
        self.held = 0


@pytest.fixture
def shelf():
    return Shelf(most_entries=3, most_bytes=100)


def test_lets_the_oldest_unused_entry_go(shelf):
    for address in "abc":
        shelf.put(address, Kept())
    shelf.get("a").used = True

    shelf.put("d", Kept())

    assert shelf.get("b") is None
    assert all(shelf.get(address) for address in "acd")


def test_sheds_weight_before_it_lets_entries_go(shelf):
    for address in "abc":
        shelf.put(address, Kept(weight=45))

    assert len(shelf) == 3
    assert shelf.weight == 90
    assert shelf.get("a").weight == 0


def test_sheds_the_last_one_too(shelf):
    shelf.put("a", Kept(weight=1_000))

    assert shelf.weight == 0


def test_lets_go_what_cannot_shed_its_weight(shelf):
    stubborn = Kept(weight=90)
    stubborn.shed = lambda: None
    shelf.put("a", stubborn)

    shelf.put("b", Kept(weight=20))

    assert shelf.get("a") is None
    assert shelf.weight == 20


def test_counts_an_entry_once(shelf):
    for weight in (10, 20, 30):
        shelf.put("a", Kept(weight=weight))
    assert shelf.weight == 30

    shelf.drop("a")
    shelf.drop("a")

    assert (len(shelf), shelf.weight) == (0, 0)


def test_takes_in_that_an_entry_grew(shelf):
    entry = Kept(weight=10)
    shelf.put("a", entry)
    entry.held = 60

    stranger = Kept(weight=1_000)
    stranger.address = "a"
    shelf.weigh(entry)
    shelf.weigh(stranger)

    assert shelf.weight == entry.weight == 60


def test_ends_when_everything_is_in_use(shelf):
    for number in range(50):
        entry = Kept(weight=40)
        entry.used = True
        shelf.put(str(number), entry)

    assert len(shelf) <= 3
    assert shelf.weight <= 100


def test_lets_what_is_used_stay_when_everything_is(shelf):
    kept = [Kept(weight=50), Kept(weight=50)]
    for number, entry in enumerate(kept):
        shelf.put(str(number), entry)
    late = Kept()
    shelf.put("late", late)

    def ask():
        late.used, late.held = True, 40
        if not shelf.weigh(late):
            late.held = 0
            shelf.weigh(late)
        return late.held == 40

    for _ in range(20):
        for entry in kept:
            entry.used = True
        assert not ask()
    assert [entry.held for entry in kept] == [50, 50]

    assert any(ask() for _ in range(9))
    assert shelf.weight <= 100


def test_holds_its_bounds_among_threads(shelf):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: shelf.put(str(number % 20), Kept(weight=30)), range(4_000)))

    assert len(shelf) <= 3
    assert shelf.weight == sum(entry.weight for entry in shelf._entries.values())
