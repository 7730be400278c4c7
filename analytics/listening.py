"""Notes a listener's request as a hit: reads who asks, forgets the address, appends to the spool."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import structlog
from django.conf import settings

from analytics.hits import Hit, HitKind, new_hit_id, pack_sent, pack_usual, packed_parts
from analytics.networks import NetworkClass, Origin, networks
from analytics.own_requests import is_own_agent, is_preview
from analytics.salts import CachedSalts, SaltStore
from analytics.shipping import process_forwarder
from analytics.spool import Spool, process_spool
from core.client_address import Networks, client_address, packed_network

log = structlog.get_logger(__name__)

USER_AGENT_LENGTH = 1_024
_RANGE_LENGTH = 200
_HOST_LENGTH = 255
_KEY_BYTES = 16
_AUDIENCE_BYTES = _NETWORK_BYTES = 8
_PREFETCH_HEADERS = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
#: Headers that say more than the usual request does.
_RARE_HEADERS = frozenset({*_PREFETCH_HEADERS, "HTTP_REFERER", "HTTP_X_PLAYBACK_SESSION_ID"})
_DAY_MS = 86_400_000
#: Callers whose keys are remembered: a player asks again and again, a piece at a time.
_CALLERS = 4_096
#: Characters of address and agent; who sends more is read anew each time, and takes no memory.
_LONGEST_CALLER = 1_500


@dataclass(frozen=True, slots=True)
class Listening:
    """What was asked for and how it was answered."""

    kind: HitKind
    episode_id: int
    show_id: int
    status: int
    asset_id: int | None = None
    answer_start: int = 0
    answer_length: int = 0


@dataclass(frozen=True, slots=True)
class _Caller:
    """What one address and one User-Agent come to under the salts of the day."""

    listener: str
    previous_listener: str
    user_agent: str
    origin: Origin
    audience_period: int
    audience: str
    previous_audience: str
    is_own: bool
    network: str
    previous_network: str


#: For the half of a hit that is not asked for.
_NOTHING = Listening(kind=HitKind.TRACK, episode_id=0, show_id=0, status=0)
_NOBODY = _Caller("", "", "", Origin(), 0, "", "", is_own=False, network="", previous_network="")


class HitRecorder:
    """Turns requests into hits in the spool below `data_dir`; one for each process and its threads.

    It never raises and never waits: whatever happens to the counting, the listener gets the answer
    (contracts/analytics.md R60).
    """

    def __init__(self, data_dir: Path, *, trusted: Networks) -> None:
        self._spool_folder = data_dir / "spool"
        self._trusted = trusted
        shared = CachedSalts() if settings.ENVIRONMENT.redis_url else None
        self._salts = SaltStore(data_dir / "salts", shared=shared)
        self._networks = networks(data_dir / "networks")
        self._spool: Spool | None = None
        self._forks = 0
        self._day = (-1, "")
        #: With what the line of a usual hit ends with, which is all that is said of the caller.
        self._callers: dict[tuple[object, object, object], tuple[_Caller, str, bytes]] = {}

    def note(
        self, environ: Mapping[str, object], listening: Listening, *, time_ms: int
    ) -> Hit | None:
        """Append the hit of a GET; None when it was lost. Call it before the request is answered."""
        try:
            hit = _hit(self, environ, listening, time_ms=time_ms)
            return hit if self.own_spool().append(hit.pack()) else None
        except Exception as error:  # noqa: BLE001 - counting must never fail playing
            # Without its message and trace: they could hold what must not be kept.
            log.warning("hit_not_noted", error=type(error).__name__)
            return None

    def hit(self, environ: Mapping[str, object], listening: Listening, *, time_ms: int) -> Hit:
        """The hit of a request that somebody else noted, appended nowhere. Raises `OSError`."""
        return _hit(self, environ, listening, time_ms=time_ms)

    def note_delivered(self, hit: Hit, sent: int) -> bool:
        """Append how many bytes of the body of `hit`'s answer were sent (R13); False when lost."""
        try:
            line = msgspec.structs.replace(hit, kind=HitKind.DELIVERED, delivered=sent).pack()
            return self.own_spool().append(line)
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("delivery_not_noted", error=type(error).__name__)
            return False

    def session_keys(self, session: str, *, user_agent: str, time_ms: int) -> tuple[str, str]:
        """An X-Playback-Session-Id under the salts of the day and of the day before (R31)."""
        salts = self._salts.at(_moment(time_ms))
        content = session.encode("utf-8", "replace")[:_RANGE_LENGTH]
        key = partial(listener_key, network=content, user_agent=user_agent)
        return key(salt=salts.current), key(salt=salts.previous)

    def caller(self, environ: Mapping[str, object], *, time_ms: int) -> tuple[_Caller, str]:
        """Who asks, and the day whose salt the keys are made with."""
        caller, salt_day, _packed = self._known(environ, time_ms=time_ms)
        return caller, salt_day

    def packed_caller(self, environ: Mapping[str, object], *, time_ms: int) -> bytes:
        """Who asks, as `pack_usual` wants it."""
        return self._known(environ, time_ms=time_ms)[2]

    def _known(self, environ: Mapping[str, object], *, time_ms: int) -> tuple[_Caller, str, bytes]:
        day = self._day
        if time_ms // _DAY_MS != day[0]:
            day = self._begin_day(time_ms)
        # Only what a trusted proxy says counts, so elsewhere the header does not tell callers apart.
        forwarded = environ.get("HTTP_X_FORWARDED_FOR") if self._trusted else None
        key = (environ.get("REMOTE_ADDR"), forwarded, environ.get("HTTP_USER_AGENT"))
        found = self._callers.get(key)
        if found is None:
            caller = self._read_caller(environ, time_ms=time_ms)
            usual = _hit_of(caller, {}, _NOTHING, salt_day=day[1])
            found = caller, day[1], packed_parts(usual)[1]
            if len(self._callers) >= _CALLERS:
                self._callers.clear()
            # Another thread may have begun the next day.
            if self._day is day and sum(len(str(one)) for one in key) <= _LONGEST_CALLER:
                self._callers[key] = found
        return found

    def _begin_day(self, time_ms: int) -> tuple[int, str]:
        salts = self._salts.at(_moment(time_ms))
        day = self._day = time_ms // _DAY_MS, salts.day.isoformat()
        self._callers.clear()
        return day

    def _read_caller(self, environ: Mapping[str, object], *, time_ms: int) -> _Caller:
        salts = self._salts.at(_moment(time_ms))
        address = client_address(environ, trusted=self._trusted)
        network = packed_network(address) if address is not None else b""
        user_agent = clean_user_agent(environ)
        key = partial(listener_key, network=network, user_agent=user_agent)
        origin = self._networks.origin(address, user_agent=user_agent, now=_moment(time_ms))
        is_watched = bool(network) and origin.network_class is not NetworkClass.SAFE
        alone = partial(listener_key, network=network, user_agent="", size=_NETWORK_BYTES)
        return _Caller(
            listener=key(salt=salts.current),
            previous_listener=key(salt=salts.previous),
            user_agent=user_agent,
            origin=origin,
            audience_period=salts.audience_period,
            audience=key(salt=salts.audience, size=_AUDIENCE_BYTES),
            previous_audience=key(salt=salts.previous_audience, size=_AUDIENCE_BYTES),
            is_own=is_own_agent(user_agent),
            network=alone(salt=salts.current) if is_watched else "",
            previous_network=alone(salt=salts.previous) if is_watched else "",
        )

    def own_spool(self) -> Spool:
        """The spool of this process: a forked child must not write into its parent's file."""
        if self._spool is None or self._forks != _forks:
            spool = process_spool(self._spool_folder)
            spool.on_seal = process_forwarder(self._spool_folder).wake
            self._spool, self._forks = spool, _forks
        return self._spool


#: From the first process to this one. Asking for the process's id would be a system call a hit.
_forks = 0


def _note_fork() -> None:
    global _forks  # noqa: PLW0603 - of the process, like the memory that a fork copies
    _forks += 1


os.register_at_fork(after_in_child=_note_fork)


class UsualHits:
    """Notes the hits of one address that no later note of delivery follows.

    Most of a line is the same for every request, or for every request of one caller, and kept.
    """

    __slots__ = ("_listening", "_packed", "_recorder")

    def __init__(self, recorder: HitRecorder, listening: Listening) -> None:
        self._recorder = recorder
        self._listening = listening
        self._packed, _who = packed_parts(_hit_of(_NOBODY, {}, listening, salt_day=""))

    def note(
        self,
        environ: Mapping[str, object],
        *,
        time_ms: int,
        start: int = 0,
        length: int = 0,
        sent: int = 0,
    ) -> bool:
        """Append the hit of a GET whose answer promises these bytes; False when it was lost.

        With `sent`, also that so many of them were sent.
        """
        if environ.get("QUERY_STRING") or not environ.keys().isdisjoint(_RARE_HEADERS):
            listening = replace(self._listening, answer_start=start, answer_length=length)
            hit = self._recorder.note(environ, listening, time_ms=time_ms)
            return hit is not None and (not sent or self._recorder.note_delivered(hit, sent))
        try:
            line = pack_usual(
                self._packed,
                self._recorder.packed_caller(environ, time_ms=time_ms),
                time_ms=time_ms,
                requested_range=_range(environ),
                start=start,
                length=length,
            )
            lines = line + pack_sent(line, sent) if sent else line
            return self._recorder.own_spool().append(lines)
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("hit_not_noted", error=type(error).__name__)
            return False


@lru_cache(maxsize=8)
def hit_recorder(data_dir: Path, trusted: Networks) -> HitRecorder:
    """This process's recorder below `data_dir`."""
    return HitRecorder(data_dir, trusted=trusted)


def listener_key(
    *, salt: bytes | None, network: bytes, user_agent: str, size: int = _KEY_BYTES
) -> str:
    """The listener (contracts/analytics.md R21-R24): address and agent, keyed, as hexadecimal digits.

    The length of the address stands before it, so that no two pairs run together to one content.
    "" without a salt.
    """
    if salt is None:
        return ""
    content = len(network).to_bytes(1, "big") + network + user_agent.encode("utf-8", "replace")
    return hashlib.blake2b(content, key=salt, digest_size=size).hexdigest()


def clean_user_agent(environ: Mapping[str, object]) -> str:
    """The User-Agent without line breaks and outer blanks, 1,024 characters at most (R23)."""
    text = _header(environ, "HTTP_USER_AGENT").replace("\r", "").replace("\n", "").strip()
    return text[:USER_AGENT_LENGTH]


def _hit(
    recorder: HitRecorder, environ: Mapping[str, object], listening: Listening, *, time_ms: int
) -> Hit:
    caller, salt_day = recorder.caller(environ, time_ms=time_ms)
    session = _header(environ, "HTTP_X_PLAYBACK_SESSION_ID").strip()
    playback, previous_playback = (
        recorder.session_keys(session, user_agent=caller.user_agent, time_ms=time_ms)
        if session
        else ("", "")
    )
    return _hit_of(
        caller,
        environ,
        listening,
        time_ms=time_ms,
        salt_day=salt_day,
        playback=playback,
        previous_playback=previous_playback,
    )


def _hit_of(
    caller: _Caller,
    environ: Mapping[str, object],
    listening: Listening,
    *,
    time_ms: int = 0,
    salt_day: str,
    playback: str = "",
    previous_playback: str = "",
) -> Hit:
    return Hit(
        time_ms=time_ms,
        hit_id=new_hit_id(time_ms=time_ms),
        episode_id=listening.episode_id,
        show_id=listening.show_id,
        asset_id=listening.asset_id,
        kind=listening.kind,
        method="GET",
        status=listening.status,
        requested_range=_range(environ),
        answer_start=listening.answer_start,
        answer_length=listening.answer_length,
        salt_day=salt_day,
        listener=caller.listener,
        previous_listener=caller.previous_listener,
        user_agent=caller.user_agent,
        referrer_host=_referrer_host(environ),
        is_prefetch=_is_prefetch(environ),
        country=caller.origin.country,
        network_class=caller.origin.network_class.value,
        as_number=caller.origin.as_number,
        audience_period=caller.audience_period,
        audience=caller.audience,
        previous_audience=caller.previous_audience,
        playback_session=playback,
        is_internal=caller.is_own or is_preview(environ),
        network=caller.network,
        previous_network=caller.previous_network,
        previous_playback=previous_playback,
    )


def _range(environ: Mapping[str, object]) -> str:
    """The Range header, of a very long one so many ranges as find room."""
    header = _header(environ, "HTTP_RANGE")
    if len(header) <= _RANGE_LENGTH:
        return header
    kept = header[:_RANGE_LENGTH]
    return kept.rpartition(",")[0] if "," in kept else kept


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1_000, UTC)


def _is_prefetch(environ: Mapping[str, object]) -> bool:
    # A loop: the usual request has none of the headers, and a generator would cost more than them.
    for name in _PREFETCH_HEADERS:  # noqa: SIM110
        if name in environ and "prefetch" in _header(environ, name).lower():
            return True
    return False


def _header(environ: Mapping[str, object], name: str) -> str:
    """A header as text; WSGI hands over bytes read as Latin-1, clients mean UTF-8."""
    value = str(environ.get(name) or "")
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode("utf-8")


def _referrer_host(environ: Mapping[str, object]) -> str:
    """Only the host's name: it tells a web player, while a path or an address can tell a person."""
    if not environ.get("HTTP_REFERER"):
        return ""
    try:
        host = urlsplit(_header(environ, "HTTP_REFERER")).hostname or ""
    except ValueError:
        return ""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:_HOST_LENGTH]
    return ""
