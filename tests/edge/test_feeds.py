"""Tests of one feed's answers at the door: what is remembered of clients stays bounded."""

from __future__ import annotations

import tracemalloc

import pytest

from edge.feeds import FeedEntry, remembered_form
from feeds.store import StoredFeed

PLAIN, GZIPPED = b"<rss/>", b"gzipped"


def make_entry():
    return FeedEntry(
        StoredFeed("name", "digest", len(PLAIN), len(GZIPPED)),
        is_private=False,
        read_body=lambda compressed: GZIPPED if compressed else PLAIN,
        weigh=lambda _entry: None,
        kept=lambda _is_current: None,
    )


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
