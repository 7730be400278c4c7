"""Replays of one stream of hits: whatever the order, the cuts and the repetitions, equal totals."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from analytics.counting import BatchCounter
from analytics.methods import Method, WindowKind
from analytics.models import Counter, Segment, Window
from tests.analytics.hit_making import (
    METHOD,
    MIDNIGHT,
    SUMS,
    make_hit,
    make_media_hit,
    piece_of,
    totals,
)
from tests.factories.published import publish_external, publish_produced

END = MIDNIGHT + timedelta(days=2, hours=1)


@pytest.fixture
def stream(owner, show):
    """Two days of many listeners, some of whom listen over midnight, with bots among them."""
    published = MIDNIGHT - timedelta(days=3)
    outside = publish_external(owner, show, now=published)
    ours = publish_produced(owner, show, now=published)
    chance = random.Random(7)
    hits = []
    for number in range(300):
        at = MIDNIGHT + timedelta(seconds=chance.uniform(0, 2 * 86_400))
        listener = f"listener {number % 40}"
        agent = chance.choice(["AntennaPod/3.4.0", "Overcast/3.0 (+http://overcast.fm/)", "curl/8"])
        if number % 2:
            hits.append(make_hit(at, listener=listener, agent=agent, episode_id=outside.pk))
        else:
            start = chance.choice([0, 3_000, 5_000])
            hits.append(
                make_media_hit(
                    at,
                    listener=listener,
                    agent=agent,
                    episode_id=ours.pk,
                    asset_id=ours.asset_id,
                    start=start,
                    sent=chance.choice([2, 4_000, 10_250 - start]),
                )
            )
    return hits


def pieces_of(hits, *, size):
    return [piece_of(*hits[start : start + size]) for start in range(0, len(hits), size)]


def replay(pieces, *, method=METHOD):
    for model in (Counter, Segment, Window, *SUMS):
        model.objects.all().delete()
    Counter.objects.get_or_create(pk=1)
    for piece in pieces:
        BatchCounter(method).count([piece], now=END)
    return totals()


@pytest.mark.parametrize("window", list(WindowKind))
def test_r66_shuffled_hits_and_segments_give_equal_totals(stream, window):
    method = Method(window=window)
    in_order = sorted(stream, key=lambda hit: hit.hit_id)
    expected = replay(pieces_of(in_order, size=len(in_order)), method=method)
    assert 30 < len(expected["Download"]) < 200

    for seed, size in ((1, 7), (2, 31), (3, 100)):
        shuffled = list(stream)
        random.Random(seed).shuffle(shuffled)
        found = replay(pieces_of(shuffled, size=size), method=method)
        assert {name: found[name] == rows for name, rows in expected.items()} == dict.fromkeys(
            expected, True
        )
