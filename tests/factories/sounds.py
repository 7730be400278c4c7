"""Makes small audio files of every accepted format, byte by byte where no encoder is at hand."""

from __future__ import annotations

import io
import struct

import numpy as np
import soundfile

SECONDS = 2.0
RATE = 44_100
OPUS_RATE = 48_000


def encoded(container: str, subtype: str, *, seconds: float = SECONDS) -> bytes:
    """A tone in a format that libsndfile writes, such as ("MP3", "MPEG_LAYER_III")."""
    rate = OPUS_RATE if subtype == "OPUS" else RATE
    moments = np.arange(int(seconds * rate)) / rate
    target = io.BytesIO()
    soundfile.write(
        target, 0.3 * np.sin(2 * np.pi * 440 * moments), rate, format=container, subtype=subtype
    )
    return target.getvalue()


def mp3(*, seconds: float = SECONDS) -> bytes:
    return encoded("MP3", "MPEG_LAYER_III", seconds=seconds)


def tagged_mp3(*, tag_bytes: int = 5_000) -> bytes:
    size = bytes((tag_bytes >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + bytes(tag_bytes) + mp3()


def wav() -> bytes:
    return encoded("WAV", "PCM_16")


def ogg(subtype: str = "VORBIS") -> bytes:
    return encoded("OGG", subtype)


def aac(*, frames: int = 87) -> bytes:
    """ADTS frames of 1,024 samples at 44,100 Hz, mono; what is in them is noise."""
    payload = bytes(range(93))
    length = 7 + len(payload)
    header = bytes(
        (0xFF, 0xF1, 0x50, 0x40 | length >> 11, length >> 3 & 0xFF, (length & 7) << 5 | 0x1F, 0xFC)
    )
    return (header + payload) * frames


def atom(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


#: MPEG-4 audio, AAC LC, 44,100 Hz, mono, in nested descriptors.
_AAC_DESCRIPTION = bytes.fromhex("0319000100 0411 4015000000 0000fa00 0000fa00 05021208 060102")


def track(handler: bytes, *, seconds: float = SECONDS) -> bytes:
    """A `trak` of an MP4 file with 44,100 ticks a second."""
    sample = bytes(6) + b"\0\1" + bytes(8) + struct.pack(">HHIHH", 1, 16, 0, RATE, 0)
    entry = atom(b"mp4a", sample + atom(b"esds", bytes(4) + _AAC_DESCRIPTION))
    description = atom(b"stsd", bytes(4) + struct.pack(">I", 1) + entry)
    media = (
        atom(b"mdhd", bytes(12) + struct.pack(">II", RATE, int(seconds * RATE)) + bytes(4))
        + atom(b"hdlr", bytes(8) + handler + bytes(13))
        + atom(b"minf", atom(b"stbl", description))
    )
    return atom(b"trak", atom(b"mdia", media))


def mp4(*tracks: bytes, brand: bytes = b"M4A ", sound: bytes = bytes(2_000)) -> bytes:
    return atom(b"ftyp", brand + bytes(4)) + atom(b"moov", b"".join(tracks)) + atom(b"mdat", sound)


def m4a() -> bytes:
    return mp4(track(b"soun"))
