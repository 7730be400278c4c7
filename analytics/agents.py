"""Names the app behind a User-Agent, and tells machines from people (contracts/analytics.md D and E)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version

import crawleruseragents
from device_detector import DeviceDetector

from analytics.agent_lists import AgentEntry, AgentKind, AgentList
from analytics.builtin_agents import BUILTIN_AGENTS, BUILTIN_REFERRERS

#: Raised when the built-in table changes.
BUILTIN_VERSION = 1
OTHER = "Other"
#: Stands in the version of every decision, so that an update of a package acts from then on (R43).
PACKAGES = f"{version('device-detector')}+{version('crawler-user-agents')}"

_WATCH = re.compile(r"^atc/.*watchOS|\(null\)/\(null\) watchOS|\(null\) watchOS/")
_BOT_WORDS = re.compile(r"bot\b|crawler|spider", re.IGNORECASE)
_BROWSER = re.compile(r"^Mozilla/|^Opera/")
_HELD = 20_000
#: What device-detector calls its clients.
_KIND_OF_CLIENT = {
    "library": AgentKind.BOT_LIBRARY,
    "browser": AgentKind.BROWSER,
    "mobile app": AgentKind.APP,
    "desktop app": AgentKind.APP,
    "feed reader": AgentKind.APP,
    "mediaplayer": AgentKind.APP,
    "media player": AgentKind.APP,
}


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What is known of an agent; `app` is "Other" for one that nobody knows (R46)."""

    kind: AgentKind
    app: str
    device: str = ""
    is_watch: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """The lists in force: the instance's own entries, then a loaded list or the built-in table."""

    own: tuple[AgentEntry, ...] = ()
    loaded: AgentList | None = None
    own_version: str = ""

    @property
    def version(self) -> str:
        """Names all lists and packages that a decision rests on."""
        loaded = self.loaded.version if self.loaded else "none"
        return f"{self.own_version or 0}/{loaded}/{BUILTIN_VERSION}/{PACKAGES}"

    def facts(self, user_agent: str) -> AgentFacts:
        """The first of the lists that knows the agent decides (R33)."""
        own = [one for one in self.own if one.kind is not AgentKind.PRELOADER]
        listed = _first(own, user_agent)
        if listed is None and _WATCH.search(user_agent):
            return AgentFacts(AgentKind.APP, "Apple Podcasts", "watch", is_watch=True)
        if listed is None and self.loaded is not None:
            listed = _first(self.loaded.agents, user_agent)
        if listed is None:
            listed = _first(BUILTIN_AGENTS, user_agent)
        if listed is not None:
            return AgentFacts(listed.kind, listed.name, _device(user_agent))
        return _detected(user_agent)

    def preloads(self, referrer_host: str) -> bool:
        """True for pages whose player is known to load audio before anybody plays it (R42)."""
        address = f"https://{referrer_host}/"
        listed = [one for one in self.own if one.kind is AgentKind.PRELOADER]
        return bool(referrer_host) and _first(listed, address) is not None

    def web_app(self, referrer_host: str) -> str:
        """The app that a web page is, by its host; "" when nobody knows it (R45)."""
        address = f"https://{referrer_host}/"
        loaded = _first(self.loaded.referrers, address) if self.loaded else None
        found = loaded or _first(BUILTIN_REFERRERS, address)
        return found.name if found else ""


def _first(entries: Sequence[AgentEntry], text: str) -> AgentEntry | None:
    return next((entry for entry in entries if entry.expression.search(text)), None)


def _detected(user_agent: str) -> AgentFacts:
    """What the general packages say of an agent that no podcast list knows."""
    found = DeviceDetector(user_agent).parse()
    name, kind = str(found.client_name() or ""), str(found.client_type() or "")
    device = _device(user_agent)
    known = AgentKind.BOT if found.is_bot() else _KIND_OF_CLIENT.get(kind)
    if known is not None and (name or known is AgentKind.BOT):
        return AgentFacts(known, name[:100] or "Bot", device)
    if _is_crawler(user_agent) or _BOT_WORDS.search(user_agent):
        return AgentFacts(AgentKind.BOT, "Bot")
    if _BROWSER.search(user_agent):
        return AgentFacts(AgentKind.BROWSER, OTHER, device)
    return AgentFacts(AgentKind.UNKNOWN, OTHER, device)


def _device(user_agent: str) -> str:
    """A coarse class of device by words that agents really use; "" when none is there."""
    return next((name for name, words in _DEVICES if words.search(user_agent)), "")


_DEVICES = tuple(
    (name, re.compile(words))
    for name, words in (
        ("watch", r"watchOS|Watch\d"),
        ("speaker", r"HomePod|Echo|Alexa|Sonos|audioOS"),
        ("tv", r"Apple ?TV|tvOS|AFT[A-Z]|SMART-TV|BRAVIA|Roku"),
        ("tablet", r"iPad|Tablet"),
        ("phone", r"iPhone|iPod|Android|Mobile|iOS"),
        ("computer", r"Macintosh|Mac OS X|macOS|Windows|X11|Linux|x86_64"),
        # Apple's own loader names the system's core only; most of them are phones.
        ("phone", r"CFNetwork/"),
    )
)


@lru_cache(maxsize=_HELD)
def _is_crawler(user_agent: str) -> bool:
    return bool(crawleruseragents.is_crawler(user_agent))
