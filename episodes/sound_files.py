"""Decides by its bytes what an audio file is, and measures it, at a cost that its size does not raise.

Tags and covers are never loaded: a hostile file may hold any amount of them.
"""

# mutagen says that it is typed, but its constructors are not.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from mutagen import MutagenError
from mutagen.aac import AACInfo
from mutagen.mp3 import HeaderNotFoundError, MPEGInfo
from mutagen.mp4 import MP4Info
from mutagen.mp4._atom import AtomError, Atoms
from mutagen.ogg import OggPage

from core.errors import Invalid, UnsupportedType

ACCEPTED = "mp3, m4a, wav, ogg or aac"
#: Containers with more parts than this are built to waste time.
_MAX_PARTS = 50_000
_MAX_MP4_DEPTH = 20
#: The atoms that mutagen looks into.
_MP4_CONTAINERS = frozenset(
    {b"moov", b"udta", b"trak", b"mdia", b"meta", b"ilst", b"stbl", b"minf", b"moof", b"traf"}
)
#: The index of an MP4 of 200 MB has a tenth of this, and its cover a few megabytes.
_MAX_MP4_INDEX = 16_000_000
#: A day and more, far beyond what 200 MB of speech hold.
_MAX_SECONDS = 1_000_000
#: An Ogg page has at most 65,307 bytes, so the last one begins in here.
_OGG_TAIL = 131_072
_OGG_TRIES = 20
_ID3_HEADER = 10
_FRAME_AND_LAYER, _MP3_FRAME, _AAC_FRAME = 0xFFE6, 0xFFE2, 0xFFE0
_STREAMED_WAV = (0, 0xFFFFFFFF)
#: What mutagen and the reading below raise for bytes that make no sense.
_UNREADABLE = (
    MutagenError, AtomError, struct.error, ArithmeticError, LookupError, ValueError, AssertionError,
)  # fmt: skip
#: A file that announces this share more than it has was cut off.
_TOLERANCE = 0.02


class AudioNotAccepted(UnsupportedType):
    """The bytes are none of the accepted formats, whatever name or type they came with."""

    code = "audio_not_accepted"


class AudioDamaged(Invalid):
    """The file begins as audio, but is cut off, empty of sound, or makes no sense."""

    code = "audio_damaged"


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """What a file is; `header_bytes` are those of tags, covers and indexes before the sound."""

    mime_type: str
    extension: str
    duration_seconds: float
    header_bytes: int


def measure_sound(file: IO[bytes]) -> SoundFacts:
    """The facts of an open, seekable file. Raises `AudioNotAccepted` or `AudioDamaged`."""
    size = file.seek(0, os.SEEK_END)
    start = _after_id3(file)
    if start > size:
        raise AudioDamaged("audio: the file is cut off within its tag.", field="audio")
    file.seek(start)
    head = file.read(16)
    try:
        facts = _measure(file, head=head, start=start, size=size)
    except _UNREADABLE as error:
        raise _damaged("it cannot be decoded") from error
    if not 0 < facts.duration_seconds <= _MAX_SECONDS:
        raise _damaged("it holds no sound")
    return facts


def _measure(file: IO[bytes], *, head: bytes, start: int, size: int) -> SoundFacts:
    # Eleven bits mark a frame; the layer's two bits tell MP3 (01) from AAC (00).
    sync = int.from_bytes(head[:2])
    if sync & _FRAME_AND_LAYER == _MP3_FRAME:
        return _measure_mp3(file, start=start, size=size)
    if sync & _FRAME_AND_LAYER == _AAC_FRAME:
        return _measure_aac(file, start=start)
    # The others begin at the first byte: a tag before them makes a file that few players take.
    if start == 0 and head[:4] in {b"RIFF", b"RF64"} and head[8:12] == b"WAVE":
        return _measure_wav(file, size=size)
    if start == 0 and head[:4] == b"OggS":
        return _measure_ogg(file, size=size)
    if start == 0 and head[4:8] == b"ftyp":
        return _measure_mp4(file, brand=head[8:12], size=size)
    raise _unknown_format()


def _unknown_format() -> AudioNotAccepted:
    return AudioNotAccepted(
        f"audio: the file is not an accepted audio format; send {ACCEPTED}.", field="audio"
    )


def _damaged(reason: str) -> AudioDamaged:
    return AudioDamaged(f"audio: the file is damaged or incomplete: {reason}.", field="audio")


def _after_id3(file: IO[bytes]) -> int:
    """Where the ID3v2 tags at the head of the file, and the zeros that may follow them, end."""
    position = 0
    for _ in range(_MAX_PARTS):
        file.seek(position)
        head = file.read(_ID3_HEADER)
        if len(head) < _ID3_HEADER or head[:3] != b"ID3":
            break
        length = 0
        for byte in head[6:10]:
            length = length << 7 | byte & 0x7F
        position += _ID3_HEADER + length + (_ID3_HEADER if head[5] & 0x10 else 0)
    return _after_zeros(file, position) if position else 0


def _after_zeros(file: IO[bytes], position: int) -> int:
    file.seek(position)
    while piece := file.read(65_536):
        rest = piece.lstrip(b"\0")
        if rest:
            return position + len(piece) - len(rest)
        position += len(piece)
    return position


def _measure_mp3(file: IO[bytes], *, start: int, size: int) -> SoundFacts:
    try:
        info = MPEGInfo(file, start)
    except HeaderNotFoundError:
        raise _unknown_format() from None
    if info.sketchy:
        raise _unknown_format()
    announced = _announced_mp3_bytes(file, info.frame_offset)
    if announced and announced * (1 - _TOLERANCE) > size - info.frame_offset:
        raise _damaged("it is shorter than it says")
    return SoundFacts("audio/mpeg", "mp3", info.length, info.frame_offset)


def _announced_mp3_bytes(file: IO[bytes], frame_offset: int) -> int:
    """The bytes of sound that the Xing or Info header tells, 0 without one."""
    file.seek(frame_offset)
    frame = file.read(200)
    place = max(frame.find(b"Xing"), frame.find(b"Info"))
    if place < 0 or len(frame) < place + 16:
        return 0
    flags, first, second = struct.unpack(">III", frame[place + 4 : place + 16])
    if not flags & 2:
        return 0
    return int(second if flags & 1 else first)


def _measure_aac(file: IO[bytes], *, start: int) -> SoundFacts:
    file.seek(0)
    return SoundFacts("audio/aac", "aac", AACInfo(file).length, start)


def _measure_wav(file: IO[bytes], *, size: int) -> SoundFacts:
    rate = 0
    for name, start, length in _wav_chunks(file, size=size):
        if name == b"fmt ":
            file.seek(start)
            rate = struct.unpack("<8xI", file.read(12))[0]
        elif name == b"data":
            left = size - start
            # Written to a pipe, the size was not known.
            sound = left if length in _STREAMED_WAV else length
            if sound > left:
                raise _damaged("it is shorter than it says")
            return SoundFacts("audio/wav", "wav", sound / rate if rate else 0.0, start)
    raise _damaged("it has no sound")


def _wav_chunks(file: IO[bytes], *, size: int) -> Iterator[tuple[bytes, int, int]]:
    position = 12
    for _ in range(_MAX_PARTS):
        if position + 8 > size:
            return
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        yield name, position + 8, length
        position += 8 + length + length % 2


def _measure_ogg(file: IO[bytes], *, size: int) -> SoundFacts:
    file.seek(0)
    page = OggPage(file)
    head = page.packets[0] if page.packets else b""
    skip = 0
    if head.startswith(b"\x01vorbis"):
        rate = struct.unpack("<12xI", head[:16])[0]
    elif head.startswith(b"OpusHead"):
        rate, skip = 48_000, struct.unpack("<10xH", head[:12])[0]
    elif head.startswith(b"\x7fFLAC"):
        rate = int.from_bytes(head[27:30]) >> 4
    elif head.startswith(b"Speex   "):
        rate = struct.unpack("<36xI", head[:40])[0]
    else:
        raise AudioNotAccepted(
            "audio: the Ogg file holds something else than Vorbis, Opus, FLAC or Speex.",
            field="audio",
        )
    samples = _last_ogg_position(file, serial=page.serial, size=size) - skip
    header = _ogg_header_bytes(file, size=size)
    return SoundFacts("audio/ogg", "ogg", samples / rate if rate else 0.0, header)


def _ogg_pages(file: IO[bytes], position: int, *, size: int) -> Iterator[tuple[int, int, int, int]]:
    """Offset, end, serial number and sample position of each page from `position` on."""
    for _ in range(_MAX_PARTS):
        if position >= size:
            return
        file.seek(position)
        head = file.read(27)
        if head[:4] != b"OggS":
            raise _damaged("its Ogg pages are broken")
        granule, serial = struct.unpack("<6xqI", head[:18])
        table = file.read(head[26])
        end = position + 27 + len(table) + sum(table)
        if end > size or len(table) < head[26]:
            raise _damaged("it is shorter than it says")
        yield position, end, serial, granule
        position = end


def _last_ogg_position(file: IO[bytes], *, serial: int, size: int) -> int:
    """The sample position that the last pages of the stream tell."""
    file.seek(max(0, size - _OGG_TAIL))
    tail_start = file.tell()
    tail = file.read()
    # The four letters may stand within a page by chance, but not often.
    place = -1
    for _ in range(_OGG_TRIES):
        place = tail.find(b"OggS", place + 1)
        if place < 0:
            break
        try:
            positions = [
                granule
                for _, _, number, granule in _ogg_pages(file, tail_start + place, size=size)
                if number == serial and granule >= 0
            ]
        except AudioDamaged:
            continue
        return max(positions, default=0)
    raise _damaged("it is shorter than it says")


def _ogg_header_bytes(file: IO[bytes], *, size: int) -> int:
    """The bytes of the pages before the first that ends a piece of sound."""
    for position, _, _, granule in _ogg_pages(file, 0, size=size):
        if granule > 0:
            return position
    return 0


def _measure_mp4(file: IO[bytes], *, brand: bytes, size: int) -> SoundFacts:
    top = _checked_atoms(file, size=size)
    atoms = Atoms(file)
    info = MP4Info(atoms, file)
    if not info.codec or info.codec == "drms":
        raise AudioNotAccepted("audio: the MP4 file holds no sound that plays.", field="audio")
    if not brand.startswith(b"M4") and b"vide" in _handlers(atoms, file):
        raise AudioNotAccepted("audio: the file is a video; send its sound alone.", field="audio")
    return SoundFacts("audio/x-m4a", "m4a", info.length, top[b"mdat"])


def _checked_atoms(file: IO[bytes], *, size: int) -> dict[bytes, int]:
    """Where the content of each top-level atom begins; refuses what is cut off or unreasonable.

    mutagen makes an object of each atom and calls itself for each level: both are bounded here.
    """
    starts: dict[bytes, int] = {}
    open_containers = [(0, size)]
    for _ in range(_MAX_PARTS):
        if not open_containers:
            break
        position, end = open_containers.pop()
        if position >= end:
            continue
        name, start, next_position = _atom_at(file, position, end=end)
        open_containers.append((next_position, end))
        if name == b"moov" and next_position - start > _MAX_MP4_INDEX:
            raise _damaged("its index is too large")
        if len(open_containers) == 1:
            starts.setdefault(name, start)
        if name in _MP4_CONTAINERS:
            open_containers.append((start + (4 if name == b"meta" else 0), next_position))
        if len(open_containers) > _MAX_MP4_DEPTH:
            raise _damaged("it is nested too deeply")
    else:
        raise _damaged("it has too many parts")
    if not starts.keys() >= {b"moov", b"mdat"}:
        raise _damaged("its index or its sound is missing")
    return starts


def _atom_at(file: IO[bytes], position: int, *, end: int) -> tuple[bytes, int, int]:
    """The name of an atom, where its content begins, and where the next one does."""
    file.seek(position)
    length, name = struct.unpack(">I4s", file.read(8))
    header = 8
    if length == 1:
        length, header = struct.unpack(">Q", file.read(8))[0], 16
    length = length or end - position
    if length < header or position + length > end:
        raise _damaged("it is shorter than it says")
    return name, position + header, position + length


def _handlers(atoms: Atoms, file: IO[bytes]) -> set[bytes]:
    """What the tracks are: `soun`, `vide` and others."""
    found = set()
    for track in atoms[b"moov"].findall(b"trak"):
        whole, content = track[b"mdia", b"hdlr"].read(file)
        if whole:
            found.add(content[8:12])
    return found
