"""Looks for what nobody meant: spikes, drops, new agents, jumps of reasons, one address too busy (R41, R80).

Each comparison is one that can be said in a sentence, so that an operator can check an alert by hand.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q, Sum

from analytics.alerts import Sign, raise_alerts
from analytics.methods import DAY_MS, GRACE_MS
from analytics.models import Agent, AgentDay, Alert, Counter, ShowDay, StepDay, Window
from analytics.reasons import Reason, Step
from analytics.windows import Outcome, decode_who

EVERY = timedelta(hours=1)
#: A day is compared with so many before it, once there are at least so many.
DAYS, LEAST_DAYS = 28, 7
#: Fewer downloads or hits than this say nothing.
LEAST = 100
DAY = timedelta(days=1)
_GRACE = timedelta(milliseconds=GRACE_MS)
_VERSIONS = re.compile(r"[\d._]+")


def watch(*, now: datetime) -> int:
    """Look once an hour, and at a whole day once it is over; returns how many alerts are new."""
    last = Counter.objects.filter(pk=1).values_list("watched_at", flat=True).first()
    if last is not None and now - last < EVERY:
        return 0
    signs = [*busy_addresses(now=now, limit=settings.BUSY_ADDRESS_LIMIT)]
    today = now.astimezone(UTC).date()
    due = datetime.combine(today, time(), UTC) + _GRACE
    if now >= due and (last is None or last < due):
        signs += signs_of_day(today - DAY)
    new = raise_alerts(signs, now=now)
    Counter.objects.filter(pk=1).update(watched_at=now)
    return new


def signs_of_day(day: date) -> list[Sign]:
    """What is unusual about a UTC day that is over."""
    return [*_unusual_shows(day), *_jumped_reasons(day), *_new_agents(day)]


def busy_addresses(*, now: datetime, limit: int) -> Iterator[Sign]:
    """Addresses with more than `limit` downloads within 24 hours, as their network and country.

    Alerts name no address: its key is for the windows alone. 0 is no limit.
    """
    if limit <= 0:
        return
    today = now.astimezone(UTC).date()
    for key in _often_seen(today, limit):
        starts: list[int] = []
        who = None
        mine = (
            Q(network=key, day=today - DAY)
            | Q(previous_network=key, day=today)
            | Q(previous_network=None, network=key, day=today)
        )
        for counted, packed in Window.objects.filter(mine).values_list("counted", "who"):
            begun = [start for start, _evidence in Outcome.unpack(bytes(counted)).downloads]
            if begun:
                starts += begun
                who = decode_who(bytes(packed))
        amount = _most_within_a_day(sorted(starts))
        if amount > limit and who is not None:
            network = f"AS{who.as_number}" if who.as_number else "unknown network"
            yield Sign(
                Alert.Kind.BUSY_ADDRESS, today, amount, limit, f"{network} {who.country}".strip()
            )


def _often_seen(today: date, limit: int) -> list[bytes]:
    """Keys under yesterday's salt with more than `limit` counted windows today and yesterday."""
    table = connection.ops.quote_name(Window._meta.db_table)  # noqa: SLF001 - public by name
    adapt = connection.ops.adapt_datefield_value
    # An outcome of one byte lists no download.
    query = (
        "SELECT found.one FROM ("  # noqa: S608 - the name is the model's own
        f" SELECT network AS one FROM {table} WHERE day = %s AND length(counted) > 1"
        f" UNION ALL SELECT COALESCE(previous_network, network) FROM {table}"
        " WHERE day = %s AND length(counted) > 1) AS found"
        " WHERE found.one IS NOT NULL GROUP BY found.one HAVING COUNT(*) > %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [adapt(today - DAY), adapt(today), limit])
        return [bytes(key) for (key,) in cursor.fetchall()]


def _most_within_a_day(starts: list[int]) -> int:
    return max(
        (bisect_left(starts, start + DAY_MS) - place for place, start in enumerate(starts)),
        default=0,
    )


def _unusual_shows(day: date) -> Iterator[Sign]:
    """More than twice the most, or less than half of the least, of the 28 days before."""
    held: dict[int, dict[date, int]] = defaultdict(dict)
    rows = ShowDay.objects.between(day - DAYS * DAY, day).values_list("show_id", "day", "downloads")
    for show, on, amount in rows:
        held[show][on] = amount
    for show, by_day in sorted(held.items()):
        first = min(by_day)
        if (day - first).days < LEAST_DAYS:
            continue
        before = [by_day.get(first + n * DAY, 0) for n in range((day - first).days)]
        amount, most, least = by_day.get(day, 0), max(before), min(before)
        if amount > 2 * most and amount - most >= LEAST:
            yield Sign(Alert.Kind.SPIKE, day, amount, most, f"show {show}")
        if 2 * amount < least and least - amount >= LEAST:
            yield Sign(Alert.Kind.DROP, day, amount, least, f"show {show}")


def _jumped_reasons(day: date) -> Iterator[Sign]:
    """A reason whose part of all hits is over twice the greatest of 28 days, and over a hundredth more."""
    steps: dict[date, Tally[str]] = defaultdict(Tally)
    rows = StepDay.objects.filter(day__gte=day - DAYS * DAY, day__lte=day)
    for on, step, amount in rows.values_list("day", "step", "amount"):
        steps[on][step] = amount
    names = [reason.value for reason in Reason]
    hits = {
        on: of_day[Step.ELIGIBLE.value] + sum(of_day[name] for name in names)
        for on, of_day in steps.items()
    }
    before = [on for on in steps if on < day and hits[on] > 0]
    if len(before) < LEAST_DAYS or hits.get(day, 0) <= 0:
        return
    for name in names:
        amount = steps[day][name]
        share = max(steps[on][name] / hits[on] for on in before)
        usual = round(share * hits[day])
        if amount >= LEAST and amount > 2 * usual and (amount - usual) * 100 > hits[day]:
            yield Sign(Alert.Kind.REASON, day, amount, usual, name)


def _new_agents(day: date) -> Iterator[Sign]:
    """Agents with over a hundredth of a day's hits, whose like was never seen before that day.

    A new version is no new agent: digits are left out of the comparison.
    """
    midnight = datetime.combine(day, time(), UTC)
    of_day = AgentDay.objects.filter(day=day)
    total = of_day.aggregate(all=Sum("hits"))["all"] or 0
    if (
        total < LEAST
        or not Agent.objects.filter(first_seen_at__lt=midnight - LEAST_DAYS * DAY).exists()
    ):
        return
    often = dict(of_day.filter(hits__gt=total // 100).values_list("digest", "hits"))
    rows = Agent.objects.filter(digest__in=often, first_seen_at__gte=midnight)
    new: dict[str, tuple[str, int]] = {}
    for digest, agent in rows.values_list("digest", "user_agent"):
        new[_shape(agent)] = agent, often[digest]
    if not new:
        return
    older = Agent.objects.filter(first_seen_at__lt=midnight).values_list("user_agent", flat=True)
    for agent in older.iterator(chunk_size=5_000):
        new.pop(_shape(agent), None)
    for agent, hits in new.values():
        yield Sign(Alert.Kind.NEW_AGENT, day, hits, total // 100, agent)


def _shape(agent: str) -> str:
    return _VERSIONS.sub("", agent)
