"""The state of open windows: one listener, one episode, one UTC day; and what a batch changes in it."""

from __future__ import annotations

import hashlib
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from analytics.methods import DAY_MS, Method
from analytics.sessions import (
    Evidence,
    Figures,
    Session,
    Touch,
    Who,
    carries_over,
    pack_touches,
    split,
    united,
    unpack_touches,
)

_COUNTED = struct.Struct("<qB")
_HAS_OWN, _WAS_BURST = 1, 2
_encode = msgspec.msgpack.Encoder().encode
_decode_session = msgspec.msgpack.Decoder(Session).decode
decode_who = msgspec.msgpack.Decoder(Who).decode

WINDOW_COLUMNS = (
    "listener",
    "previous_listener",
    "playback_session",
    "episode_id",
    "day",
    "touches",
    "who",
    "carried",
    "counted",
    "is_burst",
    "network",
    "previous_network",
)
Key = tuple[bytes, int]
#: When a download began, and how it is known: the listener's key makes it one of a kind.
Counted = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a window comes to: its downloads, and whether a session began in it."""

    downloads: frozenset[Counted] = frozenset()
    has_own: bool = False
    is_burst: bool = False

    def pack(self) -> bytes:
        """As the row keeps it."""
        flags = (self.has_own and _HAS_OWN) | (self.is_burst and _WAS_BURST)
        pairs = b"".join(_COUNTED.pack(*pair) for pair in sorted(self.downloads))
        return bytes([flags]) + pairs

    @classmethod
    def unpack(cls, packed: bytes) -> Outcome:
        """What `pack` made."""
        pairs = frozenset((start, evidence) for start, evidence in _COUNTED.iter_unpack(packed[1:]))
        return cls(pairs, bool(packed[0] & _HAS_OWN), bool(packed[0] & _WAS_BURST))


NOTHING = Outcome()


@dataclass(slots=True)
class DayWindow:
    """One listener and one episode on the UTC day number `day`."""

    listener: bytes
    previous: bytes | None
    episode_id: int
    day: int
    who: Who
    touches: list[Touch]
    carried: Session | None = None
    playback: bytes | None = None
    is_burst: bool = False
    network: bytes | None = None
    previous_network: bytes | None = None
    before: Outcome = NOTHING
    is_new: bool = True
    is_changed: bool = False
    inside: Session | None = None
    own: Session | None = None

    @property
    def key(self) -> Key:
        """What the window is found by."""
        return self.listener, self.episode_id

    def take(self, touches: list[Touch], who: Who) -> None:
        """Add touches of a batch, in order; `who` is whoever made the first of them."""
        if not self.touches or touches[0] < self.touches[0]:
            self.who = who
        self.touches = united(self.touches, touches)
        self.is_changed = True

    def settle(self, method: Method) -> None:
        """Work out the sessions anew."""
        self.inside, self.own = split(self.touches, self.carried, self.who, method)
        if self.own is not None:
            self.own.is_burst = self.is_burst

    def carry(self, method: Method) -> Session | None:
        """The session that the day after may go on with."""
        last = self.own or self.inside
        if last is None or not carries_over(last, (self.day + 1) * DAY_MS, method):
            return None
        return last.copy()

    def outcome(self, figures: dict[int, Figures]) -> Outcome:
        """Downloads of the day's own session, and of the carried one where today made it one."""
        found = set()
        burst = False
        if self.own is not None:
            proof = self.own.proof(figures)
            burst = bool(proof) and self.is_burst
            if proof and not self.is_burst:
                found.add((self.own.start, proof))
        if (
            self.inside is not None
            and self.carried is not None
            and not self.carried.is_burst
            and not self.carried.proof(figures)
        ):
            proof = self.inside.proof(figures)
            if proof:
                found.add((self.inside.start, proof))
        return Outcome(frozenset(found), self.own is not None, burst)

    def who_of(self, start: int) -> Who:
        """Who made the download that began at `start`."""
        if self.carried is not None and start == self.carried.start:
            return self.carried.who
        return self.who

    def fingerprint(self, start: int) -> int:
        """Finds the row of a download again; without the day's salt it leads to nobody."""
        content = b"%b%d:%d" % (self.listener, self.episode_id, start)
        digest = hashlib.blake2b(content, digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    def packed(self, outcome: Outcome) -> tuple[bytes, bytes, bytes | None, bytes]:
        """`touches`, `who`, `carried` and `counted` as the row keeps them."""
        return (
            pack_touches(self.touches),
            _encode(self.who),
            _encode(self.carried) if self.carried is not None else None,
            outcome.pack(),
        )


def window_of_row(row: tuple[object, ...]) -> DayWindow:
    """The window of one row in the order of `WINDOW_COLUMNS`."""
    listener, previous, playback, episode_id, day, touches, who, carried, counted, burst = row[:10]
    network, previous_network = row[10:]
    return DayWindow(
        listener=bytes(listener),  # type: ignore[call-overload]
        previous=bytes(previous) if previous is not None else None,  # type: ignore[call-overload]
        playback=bytes(playback) if playback is not None else None,  # type: ignore[call-overload]
        episode_id=int(episode_id),  # type: ignore[call-overload]
        day=int(day),  # type: ignore[call-overload]
        who=decode_who(who),  # type: ignore[arg-type]
        touches=unpack_touches(bytes(touches)),  # type: ignore[call-overload]
        carried=_decode_session(carried) if carried is not None else None,  # type: ignore[arg-type]
        before=Outcome.unpack(bytes(counted)),  # type: ignore[call-overload]
        is_burst=bool(burst),
        network=bytes(network) if network is not None else None,  # type: ignore[call-overload]
        previous_network=(
            bytes(previous_network) if previous_network is not None else None  # type: ignore[call-overload]
        ),
        is_new=False,
    )


@dataclass(slots=True)
class Windows:
    """The windows that a batch concerns, by key and by the key of the day before."""

    method: Method
    figures: dict[int, Figures]
    by_key: dict[Key, DayWindow] = field(default_factory=dict)
    by_previous: dict[Key, DayWindow] = field(default_factory=dict)
    by_playback: dict[Key, DayWindow] = field(default_factory=dict)
    by_listener: dict[bytes, list[DayWindow]] = field(default_factory=lambda: defaultdict(list))
    #: Listeners of the batch with suspiciously many episodes.
    flagged: int = 0

    def add(self, window: DayWindow) -> None:
        """Make a window known; one that is known stays."""
        if window.key in self.by_key:
            return
        self.by_key[window.key] = window
        self.by_listener[window.listener].append(window)
        if window.previous is not None:
            self.by_previous[window.previous, window.episode_id] = window
        if window.playback is not None:
            self.by_playback[window.playback, window.episode_id] = window

    def settle(self) -> Iterator[DayWindow]:
        """Work out all that changed, earlier days first, and what follows from it; yields the changed."""
        by_day: dict[int, dict[Key, DayWindow]] = defaultdict(dict)
        for window in self.by_key.values():
            if window.is_changed:
                by_day[window.day][window.key] = window
        while by_day:
            for window in by_day.pop(min(by_day)).values():
                self._inherit(window)
                window.settle(self.method)
                following = self._hand_on(window)
                if following is not None:
                    by_day[following.day][following.key] = following
        self._mark_bursts()
        yield from [window for window in self.by_key.values() if window.is_changed]

    def _inherit(self, window: DayWindow) -> None:
        if not window.is_new or window.previous is None:
            return
        before = self.by_key.get((window.previous, window.episode_id))
        if before is not None:
            if before.own is None and before.inside is None:
                before.settle(self.method)
            window.carried = before.carry(self.method)

    def _hand_on(self, window: DayWindow) -> DayWindow | None:
        following = self.by_previous.get(window.key)
        if following is None or following.is_new:
            # A new one asks for itself when its day comes.
            return None
        carry = window.carry(self.method)
        if carry == following.carried:
            return None
        following.carried, following.is_changed = carry, True
        return following

    def _mark_bursts(self) -> None:
        """Exclude the sessions of listeners that open too many episodes within 24 hours (R41)."""
        limit = self.method.burst_limit
        if limit <= 0:
            return
        changed = {one.listener: one.previous for one in self.by_key.values() if one.is_changed}
        for listener, previous in changed.items():
            mine = self.by_listener[listener]
            both = mine + (self.by_listener.get(previous, []) if previous else [])
            if any(window.who.is_safe for window in mine):
                continue
            if len(both) > self.method.burst_flag > 0:
                self.flagged += 1
            if len(both) > limit:
                self._mark(both, limit)

    def _mark(self, windows: list[DayWindow], limit: int) -> None:
        for window in windows:
            if window.own is None and window.inside is None:
                window.settle(self.method)
        begun = sorted(
            (one for one in windows if one.own is not None),
            key=lambda one: (one.own.start, one.episode_id),  # type: ignore[union-attr]
        )
        first = 0
        for last, window in enumerate(begun):
            while _start(window) - _start(begun[first]) >= DAY_MS:
                first += 1
            if last - first + 1 > limit:
                for one in begun[first : last + 1]:
                    if not one.is_burst:
                        one.is_burst = one.is_changed = True
                        one.settle(self.method)
                        following = self._hand_on(one)
                        if following is not None:
                            following.settle(self.method)


def _start(window: DayWindow) -> int:
    return window.own.start if window.own is not None else 0


def evidence_name(downloads: int, delivered: int) -> str:
    """What a number rests on (R20): `delivered`, `requested` or `mixed`; `none` without downloads."""
    if not downloads:
        return "none"
    if delivered == downloads:
        return "delivered"
    return "mixed" if delivered else "requested"


def is_delivered(evidence: int) -> bool:
    """True when the bytes themselves are the evidence."""
    return evidence == Evidence.DELIVERED
