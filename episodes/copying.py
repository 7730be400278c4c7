"""Makes the copies that were asked for: fetched as a stream, known by content, stored once whole."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import PurePosixPath
from typing import IO
from urllib.parse import unquote, urlsplit

import structlog
from django.conf import settings

from core.errors import Conflict, Invalid, PodwrightError, Upstream
from core.http import AddressRefused, BadStatus, TooLarge, TooManyRedirects, fetch
from core.lease_beats import lease_kept_up
from core.queue import enqueue
from episodes.copies import (
    MAX_ATTEMPTS,
    ClaimedCopy,
    CopyNotOurs,
    claim_copy,
    due_copies,
    fail_copy,
    finish_copy,
    renew_copy,
)
from episodes.models import AudioAsset
from episodes.uploads import MAX_AUDIO_BYTES, SentAudio, staged_upload

log = structlog.get_logger(__name__)

#: Copies that one worker process makes side by side: a slow server takes one of these threads only.
SIDE_BY_SIDE = 6
#: 200 MB take so long at two megabits a second.
FETCH_SECONDS = 900.0
SILENCE_SECONDS = 20.0
#: A server that drips is given up after the grace: less than dial-up speed is no delivery.
GRACE_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 8_000
RENEW_SECONDS = 5.0

#: What another attempt does not change.
_FINAL = (Invalid, Conflict, AddressRefused, TooLarge, TooManyRedirects)
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_slots = threading.BoundedSemaphore(SIDE_BY_SIDE)

Clock = Callable[[], datetime]


class TooSlow(Upstream):
    """The server sends, but so little that the file would take hours."""

    code = "too_slow"


class CopyingBroke(Upstream):
    """The work ended without a reason that anybody could name, or its worker did."""

    code = "copying_broke"


def copy_audio(*, copy_id: int, clock: Clock) -> bool:
    """Make the copy if it can be claimed; True when this call did the work.

    With all slots taken it stays in the queue: each copy that ends rings for the next.
    """
    if not _slots.acquire(blocking=False):
        return False
    try:
        claimed = claim_copy(copy_id=copy_id, now=clock())
        if claimed is None:
            return False
        with structlog.contextvars.bound_contextvars(copy=copy_id):
            _run(claimed, clock)
    finally:
        _slots.release()
    for next_id in due_copies(now=clock(), limit=1):
        enqueue("episodes.copy_audio", copy_id=next_id)
    return True


def _run(claimed: ClaimedCopy, clock: Clock) -> None:
    try:
        _copy(claimed, clock)
    except CopyNotOurs:
        log.info("copy_not_ours")
    except Exception as error:
        reason = error
        if not isinstance(reason, PodwrightError):
            # A bug or a full disk: the attempt is counted, so it does not run for ever.
            log.exception("copying_broke")
            reason = _broke()
        try:
            again = fail_copy(claimed, reason, now=clock(), again=_may_pass(reason))
        except CopyNotOurs:
            log.info("copy_not_ours")
        else:
            log.info("copy_failed", error=reason.code, again=again)


def _copy(claimed: ClaimedCopy, clock: Clock) -> None:
    if claimed.attempts > MAX_ATTEMPTS:  # killed each time
        raise _broke()
    with (
        lease_kept_up(lambda: renew_copy(claimed, now=clock()), every=RENEW_SECONDS),
        _fetched(claimed.source_url) as sent,
        staged_upload(
            account=claimed.account, sent=sent, now=clock(), origin=AudioAsset.Origin.COPIED
        ) as asset,
    ):
        finish_copy(claimed, asset, now=clock())


@contextmanager
def _fetched(url: str) -> Iterator[SentAudio]:
    """What is at the address, in a file without a name: the system removes it however we end."""
    folder = settings.DATA_DIR / "work"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as content:
        sink = _Sink(content)
        fetch(
            url,
            max_bytes=MAX_AUDIO_BYTES,
            timeout=FETCH_SECONDS,
            silence=SILENCE_SECONDS,
            accept="audio/*, */*;q=0.5",
            headers={"Accept-Encoding": "identity"},
            sink=sink,
        )
        yield SentAudio(
            content=content,
            name=unquote(PurePosixPath(urlsplit(url).path).name),
            bytes=sink.bytes,
            sha256=sink.digest.hexdigest(),
        )


class _Sink:
    """Writes, counts and hashes what arrives, and gives a server up that drips."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self._began = time.monotonic()
        self.bytes = 0
        self.digest = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        """Take the next piece; raises `TooSlow`."""
        self._content.write(piece)
        self.digest.update(piece)
        self.bytes += len(piece)
        seconds = time.monotonic() - self._began
        if seconds > GRACE_SECONDS and self.bytes < seconds * SLOWEST_BYTES_PER_SECOND:
            raise TooSlow("The server sends too slowly to be waited for.")


def _may_pass(error: PodwrightError) -> bool:
    if isinstance(error, BadStatus):
        return error.details.get("status") in _PASSING_STATUS
    return not isinstance(error, _FINAL)


def _broke() -> CopyingBroke:
    return CopyingBroke("The copy could not be finished.")
