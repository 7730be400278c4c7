"""Hit: what is kept of one request for an episode's audio, and its form in a spool file."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter

from core.errors import Invalid

#: First element of every line; a change of fields raises it, and old lines stay readable.
LINE_VERSION = 1


class HitKind(StrEnum):
    """Which address was asked for."""

    TRACK = "track"
    MEDIA = "media"


class BadHitLine(Invalid):
    """A line of a spool file that is no hit: cut off by a crash, or damaged."""

    code = "bad_hit_line"


@dataclass(frozen=True, slots=True)
class Hit:
    """One GET for the audio of a published episode. It knows the listener by keyed hashes only.

    `listener` and `previous_listener` are the same listener under the salt of `salt_day` (UTC,
    YYYY-MM-DD) and under the salt of the day before ("" when there was none), so that a window that
    began yesterday goes on today (contracts/analytics.md R72, R73).
    `requested_range` is the raw Range header. `answer_start` and `answer_length` are the bytes that
    the answer promised, which is not what was delivered; a redirect promises none.
    `asset_id` names the audio version when the audio is ours.
    """

    time_ms: int
    hit_id: str
    episode_id: int
    show_id: int
    asset_id: int | None
    kind: HitKind
    method: str
    status: int
    requested_range: str
    answer_start: int
    answer_length: int
    salt_day: str
    listener: str
    previous_listener: str
    user_agent: str
    referrer_host: str
    is_prefetch: bool

    def pack(self) -> bytes:
        """One line of compact JSON, its line end included; ASCII only, so no text can break it."""
        return json.dumps([LINE_VERSION, *_VALUES(self)], separators=(",", ":")).encode() + b"\n"


_NAMES = tuple(field.name for field in fields(Hit))
_VALUES = attrgetter(*_NAMES)


def unpack(line: bytes) -> Hit:
    """The hit of one spool line. Raises `BadHitLine`."""
    try:
        version, *values = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        raise BadHitLine("The line is not a JSON array.") from None
    if version != LINE_VERSION or len(values) != len(fields(Hit)):
        raise BadHitLine("The line has another version or number of fields.")
    for field, value in zip(fields(Hit), values, strict=True):
        if type(value) not in _TYPES[str(field.type)]:
            raise BadHitLine(f"{field.name} has the wrong type.")
    known = dict(zip(_NAMES, values, strict=True))
    try:
        known["kind"] = HitKind(known["kind"])
    except ValueError:
        raise BadHitLine("kind is not known.") from None
    return Hit(**known)


_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "int | None": (int, type(None)),
    "str": (str,),
    "bool": (bool,),
    "HitKind": (str,),
}


def new_hit_id(*, time_ms: int) -> str:
    """A UUIDv7 (RFC 9562): sorts by time, and makes a second delivery of the same hit visible."""
    random = uuid.uuid4().int
    value = (time_ms & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76 | ((random >> 64) & 0xFFF) << 64
    value |= 0b10 << 62 | (random & ((1 << 62) - 1))
    return uuid.UUID(int=value).hex
