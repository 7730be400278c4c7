from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from analytics.models import EpisodeDay, EpisodeTotal
from analytics.top_lists import FIRST_LOOK, MOST_LOOKED_AT, heard_most
from episodes.models import Episode

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 30)
LONG_AGO = FIRST - timedelta(days=100)
MOST = 10


@pytest.fixture
def heard(show, now):
    """Enters downloads: (long ago, in the interval) for each new episode; returns their ids."""

    def enter(amounts, *, state="published"):
        episodes = Episode.objects.bulk_create(
            Episode(
                show=show,
                title="Heard",
                state=state,
                audio_url="https://cdn.example.com/a.mp3",
                published_at=now if state == "published" else None,
                created_at=now,
                updated_at=now,
            )
            for _ in amounts
        )
        of = {"show_id": show.pk, "account_id": show.account_id}
        EpisodeDay.objects.bulk_create(
            EpisodeDay(episode_id=one.pk, day=day, downloads=downloads, **of)
            for one, pair in zip(episodes, amounts, strict=True)
            for day, downloads in zip((LONG_AGO, LAST), pair, strict=True)
            if downloads
        )
        EpisodeTotal.objects.bulk_create(
            EpisodeTotal(episode_id=one.pk, downloads=sum(pair), **of)
            for one, pair in zip(episodes, amounts, strict=True)
        )
        return [one.pk for one in episodes]

    return enter


def found(show):
    amounts = heard_most(show.account_id, first=FIRST, last=LAST, most=MOST)
    return sorted(amounts.items(), key=lambda pair: (-pair[1], -pair[0]))[:MOST]


def expected(ids, amounts):
    pairs = [(pk, recent) for pk, (_long_ago, recent) in zip(ids, amounts, strict=True) if recent]
    return sorted(pairs, key=lambda pair: (-pair[1], -pair[0]))[:MOST]


class TestHeardMost:
    @pytest.mark.parametrize("seed", range(4))
    def test_is_what_a_sum_over_all_gives(self, show, heard, seed):
        chance = random.Random(seed)
        amounts = [
            (int(chance.paretovariate(1)) - 1, chance.choice([0, 0, int(chance.paretovariate(1))]))
            for _ in range(4 * FIRST_LOOK)
        ]

        ids = heard(amounts)

        assert found(show) == expected(ids, amounts)

    def test_finds_new_episodes_behind_many_old_ones(self, show, heard):
        amounts = [(1_000, 1)] * (3 * FIRST_LOOK) + [(0, 50 + n) for n in range(MOST)]

        ids = heard(amounts)

        assert found(show) == expected(ids, amounts)

    def test_leaves_out_what_is_not_published(self, show, heard):
        heard([(0, 900)] * FIRST_LOOK, state="draft")
        ids = heard([(0, 5)])

        assert found(show) == [(ids[0], 5)]

    def test_sums_over_all_when_nearly_nothing_was_heard(self, show, heard):
        amounts = [(10, 0)] * MOST_LOOKED_AT + [(0, 3)]

        ids = heard(amounts)

        assert found(show) == [(ids[-1], 3)]

    def test_looks_at_few_of_many(self, show, heard, django_assert_num_queries):
        heard([(0, 5_000 - n) for n in range(10 * FIRST_LOOK)])

        with django_assert_num_queries(2):
            found(show)
