"""The episodes of an account that were heard most in an interval, without a sum over all of them."""

from __future__ import annotations

from datetime import date

from analytics.models import EpisodeDay, EpisodeTotal
from episodes.models import Episode

#: Episodes looked at first; each further look takes so many times as many, or those that are left.
FIRST_LOOK, GROWTH = 100, 5
#: Beyond these, one sum over all episodes is cheaper than looking on.
MOST_LOOKED_AT = 3_100
#: What one sum over all gives, so that deleted and tied episodes leave enough.
SPARE = 20


def heard_most(account_id: int, *, first: date, last: date, most: int) -> dict[int, int]:
    """Downloads by episode id from `first` to `last`, with the `most` heard and their ties among them.

    No episode was heard more in an interval than ever. So it goes through the published ones from
    the most heard of all time on, and ends where the next one cannot come into the list any more.
    """
    days = EpisodeDay.objects.between(first, last)
    heard_first = EpisodeTotal.objects.heard_first
    heard: dict[int, int] = {}
    start, size = 0, FIRST_LOOK
    while size:
        looked_at = heard_first(account_id).values("episode_id")[start : start + size]
        published = Episode.objects.filter(pk__in=looked_at).published().values("pk")
        heard.update(days.filter(episode_id__in=published).top("episode_id"))
        start += size
        least = _least_of_the_best(heard, most)
        possible = heard_first(account_id, least=least or 1)[: MOST_LOOKED_AT + 1].count()
        if possible <= start:
            return {episode: amount for episode, amount in heard.items() if amount >= least}
        size = min(possible, start + GROWTH * size, MOST_LOOKED_AT) - start
    return dict(days.of_account(account_id).top("episode_id", most=SPARE * most))


def _least_of_the_best(heard: dict[int, int], most: int) -> int:
    """What the last of the `most` heard has; 0 while there are fewer."""
    best = sorted(heard.values(), reverse=True)[:most]
    return best[-1] if len(best) == most else 0
