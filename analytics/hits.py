"""Hit: what is kept of one request for an episode's audio, and its form in a spool file."""

from __future__ import annotations

import random
from enum import StrEnum

import msgspec

from core.errors import Invalid


class HitKind(StrEnum):
    """Which address was asked for."""

    TRACK = "track"
    MEDIA = "media"
    #: Not a request: the end of a media answer, which says how many bytes of it were sent.
    DELIVERED = "delivered"


class BadHitLine(Invalid):
    """A line of a spool file that is no hit: cut off by a crash, or damaged."""

    code = "bad_hit_line"


class Hit(
    msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1, forbid_unknown_fields=True
):
    """One GET for the audio of a published episode. It knows the listener by keyed hashes only.

    `listener` and `previous_listener` are the same listener under the salt of `salt_day` (UTC,
    YYYY-MM-DD) and under the salt of the day before ("" when there was none), so that a window that
    began yesterday goes on today (contracts/analytics.md R72, R73).
    `requested_range` is the raw Range header. `answer_start` and `answer_length` are the bytes that
    the answer promised, which is not what was delivered; a redirect promises none.
    `asset_id` names the audio version when the audio is ours.

    `audience` and `previous_audience` are the listener under the audience salts of the 32-day period
    number `audience_period` and the one before it (R74); `playback_session` is the keyed hash of
    an X-Playback-Session-Id with the agent (R31), "" without one. `is_internal` marks our own
    requests (R8). `delivered` is how many bytes of the body were sent from `answer_start` on, None
    while that is not known: then a second line follows when the answer ends, the same but for
    `kind` DELIVERED and `delivered`. A process that is killed never writes it.

    `network` and `previous_network` are the address alone under the salts of the day and of the day
    before, for the alarm of R41; "" for safe-listed ones. `previous_playback` is `playback_session`
    under the salt of the day before.

    The tag stands first in every line. A further field goes to the end and has a default, so that
    older lines stay readable; any other change of the fields raises the tag.
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
    country: str = ""
    network_class: str = ""
    as_number: int = 0
    audience_period: int = 0
    audience: str = ""
    previous_audience: str = ""
    playback_session: str = ""
    is_internal: bool = False
    delivered: int | None = None
    network: str = ""
    previous_network: str = ""
    previous_playback: str = ""

    def pack(self) -> bytes:
        """One line of compact JSON, its line end included. Raises `ValueError` for lone surrogates."""
        return _encode(self) + b"\n"


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Hit).decode


def packed_parts(hit: Hit) -> tuple[bytes, bytes]:
    """What surrounds the range in the line of a hit that has none, for `pack_usual`.

    The first part says what was asked for, the second who asked: either can be kept.
    """
    # Tag, time, id; episode, show, asset, kind, method, status; range, start, length; the rest.
    parts = hit.pack().split(b",", 12)
    return b",".join(parts[3:9]), parts[12]


def pack_usual(
    what: bytes, who: bytes, *, time_ms: int, requested_range: str, start: int, length: int
) -> bytes:
    """The same line as `Hit.pack` of a new hit, in a fraction of the time. Raises `ValueError`."""
    return b'[1,%d,"%b",%b,%b,%d,%d,%b' % (
        time_ms,
        new_hit_id(time_ms=time_ms).encode(),
        what,
        _encode(requested_range),
        start,
        length,
        who,
    )


def pack_sent(line: bytes, sent: int) -> bytes:
    """The line that follows the one of a MEDIA hit, when `sent` bytes of its answer were sent."""
    # Before the kind stand numbers only, and behind `delivered` keys only.
    before, _, after = line.replace(b'"media"', b'"delivered"', 1).rpartition(b",null,")
    return b"%b,%d,%b" % (before, sent, after)


def unpack(line: bytes) -> Hit:
    """The hit of one spool line. Raises `BadHitLine`."""
    try:
        return _decode(line)
    except msgspec.MsgspecError as error:
        raise BadHitLine(f"The line is no hit: {error}") from None
    except (RecursionError, ValueError):
        raise BadHitLine("The line is no hit.") from None


def new_hit_id(*, time_ms: int) -> str:
    """A UUIDv7 (RFC 9562): sorts by time, and makes a second delivery of the same hit visible.

    Ids have to differ, not to be secret, and the generator takes a new seed after a fork.
    """
    chance = random.getrandbits(74)
    high, low = chance >> 62, chance & 0x3FFFFFFFFFFFFFFF | 0x8000000000000000
    return f"{time_ms & 0xFFFFFFFFFFFF:012x}7{high:03x}{low:016x}"
