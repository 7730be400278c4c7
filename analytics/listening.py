"""Notes a listener's request as a hit: reads who asks, forgets the address, appends to the spool."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from django.conf import settings

from analytics.hits import Hit, HitKind, new_hit_id
from analytics.salts import SaltStore
from analytics.spool import process_spool
from core.client_address import client_address, packed_network

log = structlog.get_logger(__name__)

USER_AGENT_LENGTH = 1_024
_RANGE_LENGTH = 200
_HOST_LENGTH = 255
_KEY_BYTES = 16
_PREFETCH_HEADERS = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")


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


def note_listening(environ: Mapping[str, object], listening: Listening, *, now: datetime) -> bool:
    """Append the hit before the request is answered; False when it was not a GET, or was lost.

    `environ` is the WSGI environment (Django's `request.META`). Never raises: whatever happens to
    the counting, the listener gets the answer.
    """
    if environ.get("REQUEST_METHOD") != "GET":
        return False
    try:
        hit = _hit(environ, listening, now=now)
        return process_spool(settings.DATA_DIR / "spool").append(hit.pack())
    except Exception as error:  # noqa: BLE001 - counting must never fail playing
        # Without its message and trace: they could hold what must not be kept.
        log.warning("hit_not_noted", error=type(error).__name__)
        return False


def listener_key(*, salt: bytes, network: bytes, user_agent: str) -> str:
    """The listener (contracts/analytics.md R21-R24) as 32 hexadecimal digits: address and agent, keyed.

    The length of the address stands before it, so that no two pairs run together to one content.
    """
    content = len(network).to_bytes(1, "big") + network + user_agent.encode("utf-8", "replace")
    return hashlib.blake2b(content, key=salt, digest_size=_KEY_BYTES).hexdigest()


def clean_user_agent(environ: Mapping[str, object]) -> str:
    """The User-Agent without line breaks and outer blanks, 1,024 characters at most (R23)."""
    text = _header(environ, "HTTP_USER_AGENT").replace("\r", "").replace("\n", "").strip()
    return text[:USER_AGENT_LENGTH]


def _hit(environ: Mapping[str, object], listening: Listening, *, now: datetime) -> Hit:
    salts = _salt_store(settings.DATA_DIR / "salts").at(now)
    address = client_address(environ, trusted=settings.TRUSTED_PROXIES)
    network = packed_network(address) if address is not None else b""
    user_agent = clean_user_agent(environ)
    time_ms = int(now.timestamp() * 1_000)
    return Hit(
        time_ms=time_ms,
        hit_id=new_hit_id(time_ms=time_ms),
        episode_id=listening.episode_id,
        show_id=listening.show_id,
        asset_id=listening.asset_id,
        kind=listening.kind,
        method="GET",
        status=listening.status,
        requested_range=_header(environ, "HTTP_RANGE")[:_RANGE_LENGTH],
        answer_start=listening.answer_start,
        answer_length=listening.answer_length,
        salt_day=salts.day.isoformat(),
        listener=listener_key(salt=salts.current, network=network, user_agent=user_agent),
        previous_listener=(
            listener_key(salt=salts.previous, network=network, user_agent=user_agent)
            if salts.previous
            else ""
        ),
        user_agent=user_agent,
        referrer_host=_referrer_host(environ),
        is_prefetch=any("prefetch" in _header(environ, name).lower() for name in _PREFETCH_HEADERS),
    )


def _header(environ: Mapping[str, object], name: str) -> str:
    """A header as text; WSGI hands over bytes read as Latin-1, clients mean UTF-8."""
    value = str(environ.get(name) or "")
    try:
        return value.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode("utf-8")


def _referrer_host(environ: Mapping[str, object]) -> str:
    """Only the host's name: it tells a web player, while a path or an address can tell a person."""
    try:
        host = urlsplit(_header(environ, "HTTP_REFERER")).hostname or ""
    except ValueError:
        return ""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:_HOST_LENGTH]
    return ""


@lru_cache(maxsize=8)
def _salt_store(folder: Path) -> SaltStore:
    return SaltStore(folder)
