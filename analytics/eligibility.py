"""Whether a hit can be part of a download, and if not, by which rule."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from analytics.agent_lists import AgentKind
from analytics.agents import AgentFacts
from analytics.byte_ranges import is_probe
from analytics.hits import Hit, HitKind
from analytics.methods import Method
from analytics.networks import NetworkClass
from analytics.reasons import Reason

_SENT = frozenset({200, 206})
#: How some logs write the status of a transfer that the client broke off (R2).
_BROKEN_OFF = frozenset({0, 499})
_EXACT_PROBES = frozenset({"bytes=0-1", "bytes=0-0"})
#: A member of an enumeration is looked up each time it is named; every hit is asked for these.
_TRACK = HitKind.TRACK
_NETWORKS = {
    NetworkClass.HOSTING.value: Reason.HOSTING,
    NetworkClass.VPN.value: Reason.VPN,
    NetworkClass.TOR.value: Reason.TOR,
}


class EpisodeFacts(NamedTuple):
    """What the counting needs of an episode; `published_ms` None while it is not public."""

    show_id: int
    account_id: int
    published_ms: int | None
    published_at: datetime | None = None


def agent_reason(agent: AgentFacts, user_agent: str) -> Reason | None:
    """The rule by which an agent never counts, None for a listener's."""
    if not user_agent:
        return Reason.NO_UA
    if agent.is_watch:
        return Reason.WATCH
    if agent.kind is AgentKind.BOT:
        return Reason.BOT_UA
    if agent.kind is AgentKind.BOT_LIBRARY:
        return Reason.BOT_LIBRARY
    return None


def reason_against(
    hit: Hit,
    *,
    episode: EpisodeFacts | None,
    by_agent: Reason | None,
    method: Method,
) -> Reason | None:
    """The first rule that removes the hit; None when it is eligible."""
    return (
        _request_reason(hit, method)
        or (None if _is_published(hit, episode) else Reason.UNPUBLISHED)
        or ((hit.is_internal or None) and Reason.INTERNAL)
        or ((hit.is_prefetch or None) and Reason.PREFETCH)
        or by_agent
        or _network_reason(hit, method)
    )


def _request_reason(hit: Hit, method: Method) -> Reason | None:
    if hit.method != "GET":
        return Reason.METHOD
    if not _status_counts(hit):
        return Reason.STATUS
    if hit.requested_range and _is_only_probe(hit, method):
        return Reason.PROBE
    return None


def _is_published(hit: Hit, episode: EpisodeFacts | None) -> bool:
    published = episode.published_ms if episode is not None else None
    return published is not None and hit.time_ms >= published


def _status_counts(hit: Hit) -> bool:
    """A redirect of ours is 302; bytes come with 200 and 206 only (R2)."""
    if hit.kind is _TRACK:
        return hit.status == 302  # noqa: PLR2004
    if hit.status in _SENT:
        return True
    if hit.status == 302:  # noqa: PLR2004 - to the object store: asked for, not sent
        return hit.delivered is None
    return hit.status in _BROKEN_OFF and bool(hit.delivered)


def _is_only_probe(hit: Hit, method: Method) -> bool:
    """Too few bytes to be heard (R3, R4).

    Of redirect-only episodes the first request is all that we see, so an operator may let its
    exact forms count.
    """
    may_count = method.probes_count and hit.asset_id is None
    if may_count and hit.requested_range in _EXACT_PROBES:
        return False
    return is_probe(hit.requested_range)


def _network_reason(hit: Hit, method: Method) -> Reason | None:
    if not hit.network_class:
        return None
    if hit.network_class == NetworkClass.RELAY.value:
        return None if method.relays_count else Reason.VPN
    return _NETWORKS.get(hit.network_class)
