"""A batch of the hit stream: its lines read, its hits judged and turned into touches of windows."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from analytics.agents import AgentFacts
from analytics.byte_ranges import FAR, Span, requested_spans, sent_parts
from analytics.eligibility import EpisodeFacts, reason_against
from analytics.hits import BadHitLine, Hit, HitKind, unpack
from analytics.methods import DAY_MS, GRACE_MS, MediaPath, Method
from analytics.networks import NetworkClass
from analytics.reasons import LOCAL, Reason, Step
from analytics.sessions import Evidence, Figures, Touch, Who

#: Days that a moment in milliseconds may lie in: years 2000 to 2200.
_EARLIEST_MS, _LATEST_MS = 946_684_800_000, 7_258_118_400_000
_LARGEST = 2**63 - 1
#: Ids are random numbers of 62 bits, so a few may be added without leaving what a row holds.
_HALF = 2**63
MOST_RANGES = 64
#: A member of an enumeration is looked up each time it is named; every hit is asked for these.
_DELIVERED, _ELIGIBLE = HitKind.DELIVERED, Step.ELIGIBLE.value
_LOCAL, _SAFE = NetworkClass.LOCAL.value, NetworkClass.SAFE.value
PARTIAL = 206
#: Of listener, hit, listener of the day before, and the shorter keys, in hexadecimal digits.
_KEY_LENGTHS = frozenset(
    (32, 32, before, *short) for before in (0, 32) for short in product((0, 16), repeat=4)
)
_PLAYBACK_LENGTHS = frozenset({0, 32})
#: More than any file has; sums of two stay within what the database holds.
_MOST_BYTES = 2**60


class Wrong(NamedTuple):
    """A line that is no hit."""

    segment: str
    line: int
    error: str


@dataclass(slots=True)
class Piece:
    """One segment: its name and its hits."""

    name: str
    hits: list[Hit] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)


class AgentVerdict(NamedTuple):
    """What is known of an agent, with the id of its app and the rule against it."""

    facts: AgentFacts
    app_id: int
    reason: Reason | None


def read_piece(name: str, content: bytes) -> Piece:
    """The hits of one segment; lines that are none are put aside and stop nothing (R67)."""
    piece = Piece(name)
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line:
            continue
        try:
            hit = unpack(line)
            check_hit(hit)
        except BadHitLine as error:
            piece.wrong.append(Wrong(name, number, error.message[:200]))
        else:
            piece.hits.append(hit)
    return piece


def check_hit(hit: Hit) -> None:
    """Refuse values that no hit of ours has, but a damaged line may. Raises `BadHitLine`."""
    numbers = (hit.answer_start, hit.answer_length, hit.delivered or 0, hit.as_number)
    if not _EARLIEST_MS <= hit.time_ms <= _LATEST_MS:
        raise BadHitLine("time_ms lies outside of all days.")
    ids = (hit.episode_id, hit.show_id, hit.asset_id or 0)
    if min(numbers) < 0 or max(numbers) > _MOST_BYTES or max(map(abs, ids)) > _LARGEST:
        raise BadHitLine("A number is out of range.")
    keys = (
        hit.listener,
        hit.hit_id,
        hit.previous_listener,
        hit.audience,
        hit.previous_audience,
        hit.network,
        hit.previous_network,
    )
    playbacks = hit.playback_session, hit.previous_playback
    if tuple(map(len, keys)) not in _KEY_LENGTHS or not _PLAYBACK_LENGTHS.issuperset(
        map(len, playbacks)
    ):
        raise BadHitLine("A key has the wrong length.")
    try:
        bytes.fromhex("".join((*keys, *playbacks)))
    except ValueError:
        raise BadHitLine("A key is not hexadecimal.") from None


@dataclass(slots=True)
class Judged:
    """Hits of one listener, episode and day that are eligible, in order."""

    hit: Hit
    who: Who
    touches: list[Touch] = field(default_factory=list)


@dataclass(slots=True)
class Verdicts:
    """What a batch comes to before windows: touches by listener and episode, and funnel steps."""

    groups: dict[tuple[bytes, int], Judged] = field(default_factory=dict)
    funnel: Tally[tuple[int, int, str]] = field(default_factory=Tally)
    #: Hits by agent and day number.
    agents: Tally[tuple[str, int]] = field(default_factory=Tally)
    hits: int = 0
    last_ms: int = 0
    reasons: dict[str, str] = field(default_factory=dict)


class Judge:
    """Judges hits by what is known of their agents, episodes and audio."""

    def __init__(
        self,
        *,
        method: Method,
        agents: Mapping[str, AgentVerdict],
        web_apps: Mapping[str, int],
        episodes: Mapping[int, EpisodeFacts],
        figures: Mapping[int, Figures],
        preloaders: frozenset[str] = frozenset(),
        now_ms: int | None,
    ) -> None:
        self._method = method
        self._agents = agents
        self._web_apps = web_apps
        self._episodes = episodes
        self._figures = figures
        # Days that begin before this are final (`is_final`).
        self._open_ms = 0
        if now_ms is not None:
            self._open_ms = (now_ms - GRACE_MS) // DAY_MS * DAY_MS - DAY_MS
        self._preloaders = preloaders

    def judge(self, hits: Iterable[Hit]) -> Verdicts:
        """Verdicts on `hits`, taken in the order of (time, id) (R66)."""
        verdicts = Verdicts()
        funnel, agents = verdicts.funnel, verdicts.agents
        aliases: dict[tuple[str, int], Hit] = {}
        for hit in sorted(hits, key=lambda one: (one.time_ms, one.hit_id)):
            if self._method.byte_log and self._is_ours(hit):
                continue
            reason = self._reason(hit)
            if hit.kind is not _DELIVERED:
                day = hit.time_ms // DAY_MS
                verdicts.hits += 1
                verdicts.last_ms = hit.time_ms
                step = reason.value if reason else _ELIGIBLE
                funnel[hit.episode_id, day, step] += 1
                verdicts.reasons[hit.hit_id] = step
                agents[hit.user_agent, day] += 1
                if hit.network_class == _LOCAL:
                    funnel[hit.episode_id, day, LOCAL] += 1
            if reason is None:
                owner = hit
                if self._method.join_playback_sessions and hit.playback_session:
                    owner = aliases.setdefault((hit.playback_session, hit.episode_id), hit)
                self._take(verdicts, hit, owner)
        return verdicts

    @staticmethod
    def _is_ours(hit: Hit) -> bool:
        """Bytes as we sent them to a proxy, whose own log says what the listener got (R19)."""
        return hit.kind is HitKind.DELIVERED or (
            hit.kind is HitKind.MEDIA and hit.delivered is None
        )

    def _reason(self, hit: Hit) -> Reason | None:
        if hit.time_ms < self._open_ms:
            return Reason.LATE
        reason = reason_against(
            hit,
            episode=self._episodes.get(hit.episode_id),
            by_agent=self._agents[hit.user_agent].reason,
            method=self._method,
        )
        if reason is None and hit.referrer_host in self._preloaders:
            # With bytes as evidence the threshold says more than the page does.
            return Reason.PRELOAD_PLAYER if hit.asset_id is None else None
        return reason

    def _take(self, verdicts: Verdicts, hit: Hit, owner: Hit) -> None:
        key = (bytes.fromhex(owner.listener), hit.episode_id)
        judged = verdicts.groups.get(key)
        if judged is None:
            judged = verdicts.groups[key] = Judged(owner, self._who(hit))
        judged.touches.extend(self._touches(hit))

    def _who(self, hit: Hit) -> Who:
        verdict = self._agents[hit.user_agent]
        app_id = self._web_apps.get(hit.referrer_host) or verdict.app_id
        return Who(
            app=app_id if verdict.facts.kind == "browser" else verdict.app_id,
            device=verdict.facts.device,
            country=hit.country[:2],
            as_number=hit.as_number,
            source=hit.referrer_host[:255],
            audience_period=hit.audience_period,
            audience=hit.audience,
            previous_audience=hit.previous_audience,
            is_safe=hit.network_class == _SAFE,
        )

    def _touches(self, hit: Hit) -> list[Touch]:
        """One touch, or with several ranges in one answer as many as ranges (R5)."""
        number = int(hit.hit_id[16:], 16) - _HALF
        asset = hit.asset_id or 0
        if hit.delivered is not None:
            evidence = Evidence.DELIVERED
            spans = self._delivered_spans(hit, hit.delivered)
        else:
            evidence = self._evidence_of_request(hit)
            if evidence != Evidence.REQUESTED:
                return [Touch(hit.time_ms, number, evidence, asset)]
            size = self._size(asset)
            spans = requested_spans(hit.requested_range, size) or ((0, size),)
        # Numbers have to differ: of two records with one number only one stays.
        return [
            Touch(hit.time_ms, number + place, evidence, asset, start, end)
            for place, (start, end) in enumerate(spans[:MOST_RANGES])
        ]

    def _delivered_spans(self, hit: Hit, sent: int) -> Sequence[Span]:
        if hit.status == PARTIAL and "," in hit.requested_range:
            spans = requested_spans(hit.requested_range, self._size(hit.asset_id or 0)) or ()
            if len(spans) > 1:
                return sent_parts(spans, sent)
        return ((hit.answer_start, hit.answer_start + sent),)

    def _size(self, asset: int) -> int:
        figures = self._figures.get(asset)
        return figures.size if figures else FAR

    def _evidence_of_request(self, hit: Hit) -> int:
        if hit.asset_id is None:
            return Evidence.AT_ONCE
        if self._method.byte_log:
            return Evidence.NONE
        if hit.kind is HitKind.TRACK:
            elsewhere = self._method.media is MediaPath.ELSEWHERE
            return Evidence.AT_ONCE if elsewhere else Evidence.NONE
        return Evidence.REQUESTED if hit.status == 302 else Evidence.NONE  # noqa: PLR2004


def is_final(day: int, *, now_ms: int) -> bool:
    """True when the UTC day number's figures move no more: its end, a window and the grace are over."""
    return now_ms >= (day + 2) * DAY_MS + GRACE_MS
