"""Reads the access log of nginx or Caddy in front: which bytes of our audio a listener really got.

nginx needs the format that docs/operations.md names, Caddy its usual JSON. The position is kept in
the database and moves with the results, so a killed reader neither loses a line nor counts it twice.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import structlog
from django.conf import settings

from analytics.batches import Piece, Wrong, check_hit
from analytics.byte_ranges import requested_spans
from analytics.counting import BatchCounter, CounterMoved, LogMove, leased_counter
from analytics.hits import BadHitLine, Hit, HitKind
from analytics.listening import HitRecorder, Listening
from analytics.methods import method_in_force
from analytics.models import LogPosition
from analytics.segments import HitStore, archive_name, archived, hit_store
from episodes.media import MediaFile, find_media

log = structlog.get_logger(__name__)

BATCH_BYTES = 4_000_000
_MEDIA = "/media/"
_PARTIAL = 206
_HELD_FILES = 10_000
_UNUSABLE = (
    BadHitLine,
    msgspec.MsgspecError,
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    AttributeError,
)
#: A rotated log is found beside the new one under this name, as logrotate leaves it.
_ROTATED = ".1"


class _Caddy(msgspec.Struct):
    ts: float
    request: dict[str, Any]
    status: int
    size: int = 0


class _Nginx(msgspec.Struct):
    time: float
    remote_addr: str
    method: str
    uri: str
    status: int
    body_bytes_sent: int
    range: str = ""
    user_agent: str = ""
    referer: str = ""
    playback_session: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One request as a proxy wrote it down; the address goes no further than the keys."""

    time_ms: int
    address: str
    method: str
    path: str
    status: int
    sent: int
    headers: dict[str, str]


_decode_nginx = msgspec.json.Decoder(_Nginx, strict=False).decode
_decode_caddy = msgspec.json.Decoder(_Caddy).decode


def parse_line(line: bytes) -> LogLine:
    """The request that a line tells of. Raises `msgspec.MsgspecError`, `ValueError`, `KeyError`."""
    if b'"request"' in line:
        return _of_caddy(_decode_caddy(line))
    found = _decode_nginx(line)
    return LogLine(
        time_ms=int(found.time * 1_000),
        address=found.remote_addr,
        method=found.method,
        path=urlsplit(found.uri).path,
        status=found.status,
        sent=found.body_bytes_sent,
        headers={
            "HTTP_RANGE": found.range,
            "HTTP_USER_AGENT": found.user_agent,
            "HTTP_REFERER": found.referer,
            "HTTP_X_PLAYBACK_SESSION_ID": found.playback_session,
        },
    )


def _of_caddy(found: _Caddy) -> LogLine:
    request = found.request
    headers = {
        str(name).lower(): values for name, values in dict(request.get("headers", {})).items()
    }

    def header(name: str) -> str:
        values = headers.get(name)
        return str(values[0]) if isinstance(values, list) and values else ""

    return LogLine(
        time_ms=int(found.ts * 1_000),
        address=str(request.get("client_ip") or request.get("remote_ip") or ""),
        method=str(request["method"]),
        path=urlsplit(str(request["uri"])).path,
        status=found.status,
        sent=found.size,
        headers={
            "HTTP_RANGE": header("range"),
            "HTTP_USER_AGENT": header("user-agent"),
            "HTTP_REFERER": header("referer"),
            "HTTP_X_PLAYBACK_SESSION_ID": header("x-playback-session-id"),
        },
    )


def read_access_log(path: Path, *, clock: Callable[[], datetime]) -> int:
    """Count what the log has gained since it was read last; returns how many hits that were.

    Does nothing while another worker holds the counter.
    """
    hits = 0
    with leased_counter(now=clock()) as is_ours:
        if not is_ours:
            return 0
        reader = _Reader(path, BatchCounter(method_in_force()), hit_store())
        try:
            for counted in reader.batches(clock):
                hits += counted
        except CounterMoved:
            log.warning("counter_moved")
    return hits


class _Reader:
    def __init__(self, path: Path, counter: BatchCounter, store: HitStore) -> None:
        self._path = path
        self._name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
        self._counter = counter
        self._store = store
        # The proxy says who the client is; what it wrote down as a header is no proof.
        self._recorder = HitRecorder(settings.DATA_DIR, trusted=())
        self._files: dict[str, MediaFile | None] = {}

    def batches(self, clock: Callable[[], datetime]) -> Iterator[int]:
        """Hits of each batch, the rest of a rotated log before the new one."""
        held = LogPosition.objects.filter(name=self._name).first()
        if held is not None and _inode(self._path) != held.inode:
            rotated = self._path.with_name(self._path.name + _ROTATED)
            if _inode(rotated) == held.inode:
                yield from self._read(rotated, held.offset, clock)
            else:
                log.warning("access_log_rest_lost")
        inode = _inode(self._path)
        if inode is None:
            log.warning("access_log_missing")
            return
        start = held.offset if held is not None and held.inode == inode else 0
        if start > self._path.stat().st_size:
            log.warning("access_log_cut")
            return
        yield from self._read(self._path, start, clock)

    def _read(self, path: Path, start: int, clock: Callable[[], datetime]) -> Iterator[int]:
        with path.open("rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            file.seek(start)
            while lines := _whole_lines(file.read(BATCH_BYTES)):
                end = start + len(lines)
                yield self._count(lines, LogMove(self._name, inode, start, end), now=clock())
                start = end
                file.seek(start)

    def _count(self, lines: bytes, move: LogMove, *, now: datetime) -> int:
        piece = Piece(f"log-{self._name[:16]}-{move.inode}-{move.start}")
        for number, line in enumerate(lines.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                hit = self._hit(parse_line(line))
                if hit is not None:
                    check_hit(hit)
            except _UNUSABLE as error:
                # Without the line itself: it holds an address.
                piece.wrong.append(Wrong(piece.name, number, type(error).__name__))
            else:
                if hit is not None:
                    piece.hits.append(hit)

        def keep(_fresh: list[Piece], reasons: dict[str, str]) -> None:
            content = b"".join(hit.pack() for hit in piece.hits)
            packed = archived(piece.name, content, reasons)
            self._store.keep(now.astimezone(UTC).date(), archive_name(piece.name), packed)

        return self._counter.count([piece], now=now, log_move=move, before_commit=keep).hits

    def _hit(self, line: LogLine) -> Hit | None:
        if not line.path.startswith(_MEDIA):
            return None
        file = self._file(unquote(line.path.removeprefix(_MEDIA)))
        if file is None or file.episode_id is None or file.show_id is None:
            return None
        environ = {"REMOTE_ADDR": line.address, "REQUEST_METHOD": line.method}
        environ |= {name: value for name, value in line.headers.items() if value and value != "-"}
        start = 0
        if line.status == _PARTIAL:
            spans = requested_spans(line.headers["HTTP_RANGE"], file.bytes)
            start = spans[0][0] if spans else 0
        listening = Listening(
            kind=HitKind.MEDIA,
            episode_id=file.episode_id,
            show_id=file.show_id,
            asset_id=file.asset_id,
            status=line.status,
            answer_start=start,
            answer_length=line.sent,
        )
        hit = self._recorder.hit(environ, listening, time_ms=line.time_ms)
        return msgspec.structs.replace(hit, method=line.method, delivered=line.sent)

    def _file(self, key: str) -> MediaFile | None:
        if key not in self._files:
            if len(self._files) >= _HELD_FILES:
                self._files.clear()
            self._files[key] = find_media(key)
        return self._files[key]


def _whole_lines(content: bytes) -> bytes:
    """What ends with a line end: the rest is still being written."""
    return content[: content.rfind(b"\n") + 1]


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
