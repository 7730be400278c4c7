"""Looks at what a feed points to: our own files in storage, all others over the network, all at once."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.files.storage import default_storage

from core import http
from core.addresses import is_public
from core.errors import PodwrightError
from core.pictures import LARGEST_SIDE, SMALLEST_SIDE, inspect_picture
from core.storage import media_url, open_stored, stored_key
from webhooks.targets import PlainHttpRefused, pinned_resolver

log = structlog.get_logger(__name__)

#: All probes of one call together: its client waits for 30 seconds, and a trailer may follow.
PROBES_SECONDS = 10.0
REQUEST_SECONDS = 5.0
AT_ONCE = 16
#: What directories refuse (contracts/podclaw.md A20); an operator who allows larger covers means it.
COVER_BYTES = 512 * 1024
_HEAD_OF_FILE = 1_024
#: The stored length counts bytes as they are, so nothing may be compressed on the way.
_PLAIN = {"accept-encoding": "identity"}
_TOTAL = re.compile(r"bytes \d+-\d+/(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """A file that the feed names: by its key when it lies in our storage, else by its address."""

    address: str
    storage_key: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found: a `problem` in words or "", a `note` that is none, the `size` if known."""

    problem: str = ""
    note: str = ""
    size: int | None = None


def target_of(*, storage_key: str | None, address: str | None) -> Target:
    """The target of stored audio or pictures, else of an address, which may also be one of ours."""
    if storage_key:
        return Target(media_url(storage_key), storage_key)
    return Target(address or "", stored_key(address) if address else None)


def probe(*, cover: Target | None, audio: Sequence[Target]) -> tuple[Probe, list[Probe]]:
    """Look at the cover and at all audio side by side; takes PROBES_SECONDS at most, and one request."""
    ends_at = time.monotonic() + PROBES_SECONDS
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="probe") as pool:
        looked_at = pool.submit(_cover, cover, ends_at)
        heard = list(pool.map(lambda target: _audio(target, ends_at), audio))
        return looked_at.result(), heard


def _cover(target: Target | None, ends_at: float) -> Probe:
    if target is None:
        return Probe("the show has no cover; send one to PUT /api/shows/:id/image")
    try:
        note = _require_https(target)
        content = _cover_content(target, ends_at)
        problem = _picture_problem(content)
    except PodwrightError as error:
        return Probe(_reason(error))
    return Probe(problem, "" if problem else note, len(content))


def _cover_content(target: Target, ends_at: float) -> bytes:
    most = max(COVER_BYTES - 1, settings.COVER_MAX_BYTES)
    if target.storage_key is None:
        try:
            fetched = http.fetch(target.address, max_bytes=most, timeout=_left(ends_at))
        except http.TooLarge:
            raise _Problem(f"has more than {most:,} bytes and must stay under 512 KB") from None
        _require_https(Target(fetched.url))
        return fetched.body
    try:
        with open_stored(target.storage_key) as file:
            content = file.read(most + 1)
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        raise _unreadable(error) from None
    if len(content) > most:
        raise _Problem(f"has more than {most:,} bytes and must stay under 512 KB")
    return content


def _picture_problem(content: bytes) -> str:
    facts = inspect_picture(content)
    size = f"{facts.width} x {facts.height}"
    if facts.format not in {"JPEG", "PNG"}:
        return f"is {facts.format} and must be JPEG or PNG"
    if facts.width != facts.height:
        return f"has {size} pixels and must be square"
    if not SMALLEST_SIDE <= facts.width <= LARGEST_SIDE:
        return (
            f"has {size} pixels; {SMALLEST_SIDE} x {SMALLEST_SIDE} to {LARGEST_SIDE} x {LARGEST_SIDE} "
            "are accepted"
        )
    return ""


def _audio(target: Target, ends_at: float) -> Probe:
    try:
        note = _require_https(target)
        if target.storage_key is not None:
            return Probe(note=note, size=_stored_size(target.storage_key))
        return _outside(target.address, ends_at, note)
    except PodwrightError as error:
        return Probe(_reason(error))


def _stored_size(storage_key: str) -> int:
    try:
        return default_storage.size(storage_key)
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        raise _unreadable(error) from None


def _outside(address: str, ends_at: float, note: str) -> Probe:
    """HEAD for the size, then the first bytes: no play is counted, and no whole file comes over."""
    told = _head_size(address, ends_at)
    part = http.fetch(
        address,
        headers={**_PLAIN, "range": f"bytes=0-{_HEAD_OF_FILE - 1}"},
        max_bytes=_HEAD_OF_FILE,
        truncate=True,
        timeout=_left(ends_at),
    )
    _require_https(Target(part.url))
    if part.content_type == "text/html":
        return Probe("is a web page, not audio")
    total = _TOTAL.match(part.headers.get("content-range", ""))
    size = int(total[1]) if total else told
    if size is None and part.status == 200:  # noqa: PLR2004 - the whole file, not a part
        size = _length(part.headers.get("content-length"))
    return Probe(note=note, size=size)


def _head_size(address: str, ends_at: float) -> int | None:
    try:
        head = http.fetch(
            address,
            method="HEAD",
            headers=_PLAIN,
            max_bytes=0,
            truncate=True,
            timeout=_left(ends_at),
        )
    except PodwrightError:
        return None  # some servers know GET only, and whether it is there shows then
    return _length(head.headers.get("content-length"))


def _length(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None  # noqa: PLR2004


def _require_https(target: Target) -> str:
    """A note, or "", for an address that may stand in a feed; raises `PodwrightError` for others.

    Directories take https only. Plain http passes where it can only be meant for a try: from an
    instance that no directory could reach, and inside the operator's OUTBOUND_ALLOW.
    """
    if target.address.startswith("https://"):
        return ""
    if target.storage_key is not None:
        if is_only_here(target.address):
            return "is served over http from this machine; set PUBLIC_URL to an https address"
        raise _Problem("is served over http; set PUBLIC_URL to an https address")
    try:
        pinned_resolver(target.address, allow=settings.OUTBOUND_ALLOW)
    except PlainHttpRefused:
        raise _Problem("must start with https://") from None
    return "is plain http, inside OUTBOUND_ALLOW"


def is_only_here(address: str) -> bool:
    """Whether the address is of this machine or of a private network."""
    host = urlsplit(address).hostname or ""
    try:
        return not is_public(ipaddress.ip_address(host))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class _Problem(PodwrightError):
    """What a probe found wrong, in words that follow the file's name."""

    code = "probe_failed"


def _unreadable(error: Exception) -> _Problem:
    """A file that its row names, and storage does not give."""
    log.warning("probe_storage_failed", error=type(error).__name__)
    return _Problem("is missing in storage")


def _reason(error: PodwrightError) -> str:
    return error.message.removeprefix("image: ").rstrip(".")


def _left(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise _Problem("was not looked at in time")
    return min(left, REQUEST_SECONDS)
