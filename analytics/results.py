"""What a batch changes in the sums: downloads added and taken back, by every key that is summed by."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from analytics.eligibility import EpisodeFacts
from analytics.methods import DAY_MS
from analytics.reasons import Step
from analytics.sessions import Evidence, Figures, Who
from analytics.windows import DayWindow, Outcome

_HOUR_MS = 3_600_000
_SESSIONS, _BURST, _DOWNLOADS = Step.SESSIONS.value, Step.BURST.value, Step.DOWNLOADS.value
#: Name of the sum and its length in days (R52).
FIRSTS = (("first_24h", 1), ("first_7d", 7), ("first_30d", 30))


class Found(NamedTuple):
    """One download, with all that its row keeps."""

    started_ms: int
    fingerprint: int
    account_id: int
    show_id: int
    episode_id: int
    app_id: int
    evidence: int
    device: str
    country: str
    as_number: int
    source: str


SetKey = tuple[int, int, int, int]


@dataclass(slots=True)
class Results:
    """Changes of one batch, each as an amount to add."""

    added: list[Found] = field(default_factory=list)
    #: (started_ms, fingerprint) of downloads that are none any more.
    removed: list[tuple[int, int]] = field(default_factory=list)
    #: Changed windows and what they come to. The changes fill in while this is read, once.
    rows: Iterable[tuple[DayWindow, Outcome]] = ()
    funnel: Tally[tuple[int, int, str]] = field(default_factory=Tally)
    #: Hits by agent and day number.
    agents: Tally[tuple[str, int]] = field(default_factory=Tally)
    #: (account, day, app, period) -> hashes
    listeners: dict[SetKey, set[int]] = field(default_factory=lambda: defaultdict(set))
    #: (account, day, app) whose sets have lost somebody, and have to be made anew.
    lost: set[tuple[int, int, int]] = field(default_factory=set)
    episodes: Mapping[int, EpisodeFacts] = field(default_factory=dict)

    def work_out(self) -> None:
        """Fill in all changes now."""
        self.rows = list(self.rows)


def compare(
    windows: Iterable[DayWindow],
    *,
    episodes: Mapping[int, EpisodeFacts],
    figures: dict[int, Figures],
    funnel: Tally[tuple[int, int, str]],
) -> Results:
    """What the changed windows come to now, less what they came to before; worked out when read."""
    results = Results(funnel=funnel, episodes=episodes)
    results.rows = _compared(results, windows, figures)
    return results


def _compared(
    results: Results, windows: Iterable[DayWindow], figures: dict[int, Figures]
) -> Iterator[tuple[DayWindow, Outcome]]:
    episodes = results.episodes
    for window in windows:
        outcome, before = window.outcome(figures), window.before
        if outcome != before:
            _note_steps(results, window, before, outcome)
            for start, _evidence in before.downloads - outcome.downloads:
                results.removed.append((start, window.fingerprint(start)))
                facts, who = episodes[window.episode_id], window.who_of(start)
                results.lost.add((facts.account_id, start // DAY_MS, who.app))
            for start, evidence in outcome.downloads - before.downloads:
                _add(results, window, start, evidence, episodes[window.episode_id])
        yield window, outcome


def _note_steps(results: Results, window: DayWindow, before: Outcome, outcome: Outcome) -> None:
    funnel, episode = results.funnel, window.episode_id
    if outcome.has_own != before.has_own:
        funnel[episode, window.day, _SESSIONS] += outcome.has_own - before.has_own
    if outcome.is_burst != before.is_burst:
        funnel[episode, window.day, _BURST] += outcome.is_burst - before.is_burst
    for start, _evidence in outcome.downloads:
        funnel[episode, start // DAY_MS, _DOWNLOADS] += 1
    for start, _evidence in before.downloads:
        funnel[episode, start // DAY_MS, _DOWNLOADS] -= 1


def _add(
    results: Results, window: DayWindow, start: int, evidence: int, facts: EpisodeFacts
) -> None:
    who = window.who_of(start)
    results.added.append(
        Found(
            start,
            window.fingerprint(start),
            facts.account_id,
            facts.show_id,
            window.episode_id,
            who.app,
            evidence,
            who.device,
            who.country,
            who.as_number,
            who.source,
        )
    )
    for key, listener in listener_keys(facts.account_id, start // DAY_MS, who):
        results.listeners[key].add(listener)


def listener_keys(account_id: int, day: int, who: Who) -> list[tuple[SetKey, int]]:
    """The sets that a listener belongs to: under the salt of the period, and of the one before."""
    sets = ((who.audience_period, who.audience), (who.audience_period - 1, who.previous_audience))
    return [
        ((account_id, day, who.app, period), int(listener, 16))
        for period, listener in sets
        if listener
    ]


class Sums:
    """Downloads by every key that is summed by; takes rows in and out."""

    def __init__(self, episodes: Mapping[int, EpisodeFacts]) -> None:
        self._episodes = episodes
        self.episode_days: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
        self.show_days: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
        self.episode_apps: Tally[tuple[int, int, int]] = Tally()
        self.account_apps: Tally[tuple[int, int, int]] = Tally()
        self.account_hours: Tally[tuple[int, int]] = Tally()
        self.totals: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
        self.accounts: dict[int, tuple[int, int]] = {}

    def taking(self, rows: Iterable[Found]) -> Iterator[Found]:
        """The same rows, each of them added when it passes."""
        for found in rows:
            self.take(found, 1)
            yield found

    def take(self, found: Found, amount: int) -> None:
        """Add one download, or with `amount` -1 take it back."""
        day = found.started_ms // DAY_MS
        sent = amount if found.evidence == Evidence.DELIVERED else 0
        for sums, key in (
            (self.episode_days, (found.episode_id, day)),
            (self.show_days, (found.show_id, day)),
        ):
            pair = sums[key]
            pair[0] += amount
            pair[1] += sent
        self.episode_apps[found.episode_id, day, found.app_id] += amount
        self.account_apps[found.account_id, day, found.app_id] += amount
        self.account_hours[found.account_id, found.started_ms // _HOUR_MS] += amount
        self.accounts[found.episode_id] = (found.account_id, found.show_id)
        total = self.totals[found.episode_id]
        total[0] += amount
        total[1] += sent
        facts = self._episodes.get(found.episode_id)
        if facts is None or facts.published_ms is None:
            return
        age = found.started_ms - facts.published_ms
        for place, (_name, days) in enumerate(FIRSTS, 2):
            if 0 <= age < days * DAY_MS:
                total[place] += amount
