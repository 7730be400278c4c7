"""Sessions: which touches of a listener and an episode belong together, and whether they are a download."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from analytics.byte_ranges import Span, merged, union_length
from analytics.methods import DAY_MS, Method, WindowKind

_TOUCH = struct.Struct("<qqBqqq")
#: A listener that asks for more pieces of one episode in one day gains nothing by them.
MOST_TOUCHES = 512
MINUTE = 60


class Evidence:
    """What a touch proves beyond its time; plain numbers, since every hit is asked for them."""

    NONE = 0
    #: Its span was sent, as far as the server saw.
    DELIVERED = 1
    #: Its span was asked for, and every further request passes us too (R17).
    REQUESTED = 2
    #: What follows passes us by, so the request alone counts (R18).
    AT_ONCE = 4


class Touch(NamedTuple):
    """One eligible request: `number` tells requests apart, `asset` is 0 for audio outside."""

    time_ms: int
    number: int
    evidence: int
    asset: int = 0
    start: int = 0
    end: int = 0


class Figures(NamedTuple):
    """Of one audio version: bytes in all, before the sound, and seconds; None when not known."""

    size: int
    header: int | None
    seconds: float | None

    def threshold(self) -> tuple[int, int]:
        """Where content begins, and how many distinct bytes of it are one minute (R12, R14)."""
        if self.seconds is None or self.header is None or self.seconds <= MINUTE:
            return 0, self.size
        content = self.size - self.header
        return self.header, -int(-(MINUTE * content) // self.seconds)


class Who(msgspec.Struct, frozen=True, array_like=True):
    """What a download keeps of its listener, and what feeds the listener sets; no counting key."""

    app: int
    device: str
    country: str
    as_number: int
    source: str
    audience_period: int
    audience: str
    previous_audience: str
    #: On the operator's list of shared addresses, whose listeners may look like one machine (R32).
    is_safe: bool = False


class Session(msgspec.Struct, array_like=True):
    """Touches inside one window. `carried` sessions began the day before (UTC) under another key."""

    start: int
    last: int
    who: Who
    at_once: bool = False
    #: The listener behaved like a machine, so this is no download (R41).
    is_burst: bool = False
    delivered: dict[int, list[Span]] = msgspec.field(default_factory=dict)
    requested: dict[int, list[Span]] = msgspec.field(default_factory=dict)

    def take(self, touches: Iterable[Touch]) -> None:
        """Add touches that lie in this session."""
        for touch in touches:
            self.last = max(self.last, touch.time_ms)
            if touch.evidence & Evidence.AT_ONCE:
                self.at_once = True
            if touch.evidence & Evidence.DELIVERED:
                self.delivered.setdefault(touch.asset, []).append((touch.start, touch.end))
            if touch.evidence & Evidence.REQUESTED:
                self.requested.setdefault(touch.asset, []).append((touch.start, touch.end))

    def proof(self, figures: dict[int, Figures]) -> int:
        """The evidence by which the session is a download, NONE when it is not one yet.

        Bytes of two audio versions are never added: one of them has to be enough alone (R15).
        """
        if _any_reaches(self.delivered, figures):
            return Evidence.DELIVERED
        if self.at_once or _any_reaches(self.requested, figures):
            return Evidence.REQUESTED
        return Evidence.NONE

    def copy(self) -> Session:
        """A session of its own with the same touches, its spans merged."""
        return Session(
            self.start,
            self.last,
            self.who,
            self.at_once,
            self.is_burst,
            {asset: merged(spans) for asset, spans in self.delivered.items()},
            {asset: merged(spans) for asset, spans in self.requested.items()},
        )


def split(
    touches: Sequence[Touch], carried: Session | None, who: Who, method: Method
) -> tuple[Session | None, Session | None]:
    """The session carried over from the day before with what it gains today, and today's own.

    `touches` are those of one UTC day in order of (time, number). A second session cannot begin
    on the same day: every kind of window lasts until the next day at least.
    """
    inside, place = None, 0
    if carried is not None:
        inside = carried.copy()
        while place < len(touches) and _is_inside(touches[place].time_ms, inside, method):
            inside.take(touches[place : place + 1])
            place += 1
    if place == len(touches):
        return inside, None
    first = touches[place]
    own = Session(first.time_ms, first.time_ms, who)
    own.take(touches[place:])
    return inside, own


def carries_over(session: Session, day_end_ms: int, method: Method) -> bool:
    """True when a hit of the next day could still belong to the session."""
    return _is_inside(day_end_ms, session, method)


def _is_inside(time_ms: int, session: Session, method: Method) -> bool:
    if method.window is WindowKind.CALENDAR:
        return time_ms // DAY_MS == session.start // DAY_MS
    since = session.start if method.window is WindowKind.FIRST_TOUCH else session.last
    return time_ms - since < DAY_MS


def _any_reaches(spans: dict[int, list[Span]], figures: dict[int, Figures]) -> bool:
    for asset, held in spans.items():
        known = figures.get(asset)
        if known is None:
            continue
        low, needed = known.threshold()
        if needed > 0 and union_length(held, low=low, high=known.size) >= needed:
            return True
    return False


def pack_touches(touches: Iterable[Touch]) -> bytes:
    """Touches as they are kept for the length of a window."""
    pack = _TOUCH.pack
    return b"".join([pack(*touch) for touch in touches])


def unpack_touches(packed: bytes) -> list[Touch]:
    """What `pack_touches` made."""
    return [Touch(*values) for values in _TOUCH.iter_unpack(packed)]


def united(known: Sequence[Touch], new: Sequence[Touch]) -> list[Touch]:
    """All touches in order, each request once: of one request the record with most bytes stays."""
    if not known and len(new) == 1:
        # So most windows begin, and many end.
        return list(new)
    best: dict[int, Touch] = {}
    for touch in (*known, *new):
        held = best.get(touch.number)
        if held is None or (touch.end - touch.start, touch.evidence) > (
            held.end - held.start,
            held.evidence,
        ):
            best[touch.number] = touch
    touches = sorted(best.values())
    return touches[:MOST_TOUCHES]
