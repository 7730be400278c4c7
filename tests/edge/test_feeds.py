"""Tests of one feed's answers at the door: what is remembered of clients stays bounded."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime

import pytest

from edge.feeds import FeedEntry, remembered_form
from feeds.store import FeedVersion, StoredFeed

PLAIN, GZIPPED = b"<rss/>", b"gzipped"


VERSION = FeedVersion(
    1,
    1,
    datetime(2026, 1, 1, tzinfo=UTC),
    "podcast_1",
    is_private=False,
    is_retired=False,
    new_feed_url=None,
)


class Files:
    def __init__(self, gzipped):
        self.gzipped = bytearray(gzipped)

    def body(self, version, feed, compressed, *, token):
        # Another copy each time, as from a file.
        return bytes(self.gzipped) if compressed else PLAIN

    def show(self, version, feed, *, is_current):
        pass


def make_entry(weigh=lambda _entry: True, gzipped=GZIPPED):
    feed = StoredFeed("name", "digest", len(PLAIN), len(gzipped))
    return FeedEntry(feed, VERSION, files=Files(gzipped), weigh=weigh)


@pytest.fixture
def entry():
    return make_entry()


def ask(entry, accept, encoding="gzip"):
    environ = {"REQUEST_METHOD": "GET", "HTTP_ACCEPT": accept, "HTTP_ACCEPT_ENCODING": encoding}
    answer = entry.answer(environ)
    return dict(answer.headers)["Content-Type"].partition(";")[0], b"".join(answer.body)


def test_made_up_headers_fill_one_bounded_memory_whatever_the_number_of_feeds(entry):
    for number in range(3_000):
        ask(entry, f"application/x-{number:0100}")
    others = [make_entry() for _ in range(50)]
    tracemalloc.start()
    try:
        for number in range(5_000):
            ask(others[number % 50], f"application/y-{number:0100}")
        grown, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # What came in has pushed out as much, which tracemalloc had not seen come.
    assert grown < 2_000_000
    assert remembered_form.cache_info().currsize <= 2_000


def test_clients_are_answered_in_their_form_amid_made_up_headers(entry):
    for number in range(2_500):
        ask(entry, f"made/up-{number}")

        if number % 500 == 0:
            assert ask(entry, "text/html") == ("text/xml", GZIPPED)
            assert ask(entry, "*/*", "identity") == ("application/rss+xml", PLAIN)


def test_headers_of_unusual_length_are_answered_and_not_remembered(entry):
    remembered_form.cache_clear()

    assert ask(entry, "text/html," + "x" * 3_000) == ("text/xml", GZIPPED)
    assert ask(entry, "x" * 3_000) == ("application/rss+xml", GZIPPED)

    assert remembered_form.cache_info().currsize == 0


def test_weighs_what_its_bytes_take_in_memory():
    weighed = []
    entries = [
        make_entry(lambda entry: not weighed.append(entry), gzipped=b"g" * 3_000)
        for _ in range(200)
    ]
    for entry in entries:
        # What the form itself takes stays when the bytes go.
        entry.answer({"REQUEST_METHOD": "HEAD", "HTTP_ACCEPT_ENCODING": "gzip"})
    tracemalloc.start()
    try:
        for entry in entries:
            ask(entry, "*/*")
        taken, _peak = tracemalloc.get_traced_memory()
        told = sum(entry.measure() for entry in entries)
        for entry in entries:
            entry.shed()
        left, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert weighed == entries
    assert told == pytest.approx(taken - left, rel=0.05)
    assert all(entry.measure() == 0 for entry in entries)


def test_sends_what_it_has_no_room_for_and_keeps_it_not():
    entry = make_entry(weigh=lambda _entry: False)

    assert [ask(entry, "*/*")[1] for _ in range(3)] == [GZIPPED] * 3
    assert entry.measure() == 0
