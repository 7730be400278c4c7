"""The episodes of an account that were heard most in an interval, without a sum over all of them."""

from __future__ import annotations

from datetime import date

from analytics.models import EpisodeDay, EpisodeTotal
from episodes.models import Episode

#: Episodes looked at first; each further look takes twice as many.
FIRST_LOOK = 100
#: Beyond these, one sum over all episodes is cheaper than looking on.
MOST_LOOKED_AT = 3_200
#: What one sum over all gives, so that deleted and tied episodes leave enough.
SPARE = 20


def heard_most(account_id: int, *, first: date, last: date, most: int) -> dict[int, int]:
    """Downloads by episode id from `first` to `last`, with the `most` heard and their ties among them.

    No episode was heard more in an interval than ever. So it goes through the published ones from
    the most heard of all time on, and ends where the next one cannot come into the list any more.
    """
    days = EpisodeDay.objects.between(first, last)
    totals = EpisodeTotal.objects.heard_first(account_id)
    heard: dict[int, int] = {}
    start, size = 0, FIRST_LOOK
    while start < MOST_LOOKED_AT:
        looked_at = totals.values("episode_id")[start : start + size]
        published = Episode.objects.filter(pk__in=looked_at).published().values("pk")
        heard.update(days.filter(episode_id__in=published).top("episode_id"))
        start, size = start + size, size * 2
        bound = next((downloads for _episode, downloads in totals[start - 1 : start]), None)
        least = _least_of_the_best(heard, most)
        if bound is None or least > bound:
            return {episode: amount for episode, amount in heard.items() if amount >= least}
    return dict(days.of_account(account_id).top("episode_id", most=SPARE * most))


def _least_of_the_best(heard: dict[int, int], most: int) -> int:
    """What the last of the `most` heard has; 0 while there are fewer."""
    best = sorted(heard.values(), reverse=True)[:most]
    return best[-1] if len(best) == most else 0
