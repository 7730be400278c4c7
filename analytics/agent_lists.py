"""Lists of agents: the entries of one, and what the files of OPAWG's user-agents-v2 look like."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import msgspec

from core.errors import Invalid

#: The six files of the list, in the order in which agents are looked for.
FILES = ("bots", "apps", "libraries", "browsers", "devices", "referrers")
_LONGEST_NAME = 100


class AgentKind(StrEnum):
    """What an agent is; bots and bot libraries are not counted (R35)."""

    APP = "app"
    BROWSER = "browser"
    LIBRARY = "library"
    BOT = "bot"
    BOT_LIBRARY = "bot_library"
    UNKNOWN = "unknown"
    #: A web player that loads audio before anybody plays it, found by its page (R42).
    PRELOADER = "preloader"


class AgentListUnreadable(Invalid):
    """A file is no list of agents; the message names the file and what is wrong."""

    code = "agent_list_unreadable"


@dataclass(frozen=True)
class AgentEntry:
    """One pattern, searched for anywhere in the string, and the name it stands for."""

    name: str
    kind: AgentKind
    pattern: str

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.pattern)


@dataclass(frozen=True, slots=True)
class AgentList:
    """A whole list; `version` says which one answered, for the rows that depend on it."""

    version: str
    sha256: str
    agents: tuple[AgentEntry, ...]
    referrers: tuple[AgentEntry, ...] = ()
    devices: tuple[AgentEntry, ...] = field(default=())


class _Entry(msgspec.Struct):
    name: str
    pattern: str
    category: str = ""


class _File(msgspec.Struct):
    entries: list[_Entry]


_KINDS = {
    "bots": AgentKind.BOT,
    "apps": AgentKind.APP,
    "libraries": AgentKind.LIBRARY,
    "browsers": AgentKind.BROWSER,
}


def parse_list(files: Mapping[str, bytes], *, version: str) -> AgentList:
    """The list that the six files hold. Raises `AgentListUnreadable`."""
    missing = [name for name in FILES if name not in files]
    if missing:
        raise AgentListUnreadable(f"{missing[0]}.json is missing; the list has {len(FILES)} files.")
    entries = {name: _parse(name, files[name]) for name in FILES}
    digest = hashlib.sha256(b"\0".join(files[name] for name in FILES)).hexdigest()
    return AgentList(
        version=version or digest[:12],
        sha256=digest,
        agents=tuple(entry for name in _KINDS for entry in entries[name]),
        referrers=tuple(entries["referrers"]),
        devices=tuple(entries["devices"]),
    )


def _parse(name: str, content: bytes) -> list[AgentEntry]:
    try:
        parsed = msgspec.json.decode(content, type=_File)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise AgentListUnreadable(f"{name}.json is no list of agents: {error}") from None
    entries = []
    for one in parsed.entries:
        kind = _KINDS.get(name, AgentKind.APP)
        if kind is AgentKind.LIBRARY and one.category == "bot":
            kind = AgentKind.BOT_LIBRARY
        entry = AgentEntry(one.name[:_LONGEST_NAME], kind, one.pattern)
        try:
            _ = entry.expression
        except (re.error, OverflowError, RecursionError) as error:
            raise AgentListUnreadable(f"{name}.json: {one.name}: {error}") from None
        entries.append(entry)
    return entries
