"""Decompresses HTTP bodies piece by piece, never producing more than the caller's limit."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator

#: What is asked for in Accept-Encoding. Brotli and Zstandard are left out: their Python bindings
#: are further dependencies, and gzip is understood by every server.
ENCODINGS = "gzip, deflate"

_PIECE = 65_536
_ZLIB_HEADER = 2
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS


class EncodingUnknownError(ValueError):
    """The Content-Encoding is not one that was asked for; nested encodings count as unknown."""


class BodyDamagedError(ValueError):
    """The compressed data is broken or ends too early."""


def plain_pieces(pieces: Iterable[bytes], *, encoding: str) -> Iterator[bytes]:
    """The decoded body in pieces of at most 64 KiB; `encoding` is the Content-Encoding header.

    The caller stops reading when it has had enough: nothing is decompressed ahead of it, so a
    bomb costs one piece. Raises `EncodingUnknownError` or `BodyDamagedError`.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return iter(pieces)
    if name in {"gzip", "x-gzip"}:
        return _inflate(pieces, _GZIP)
    if name == "deflate":
        return _inflate_either(iter(pieces))
    raise EncodingUnknownError(name)


def _inflate_either(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Many servers send "deflate" without the zlib wrapper that the standard asks for."""
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= _ZLIB_HEADER:
            break
    wrapped = start[:1] and start[0] & 0x0F == zlib.DEFLATED and int.from_bytes(start[:2]) % 31 == 0
    return _inflate(itertools.chain([start], pieces), _ZLIB if wrapped else _RAW)


def _inflate(pieces: Iterable[bytes], window: int) -> Iterator[bytes]:
    decoder = zlib.decompressobj(window)
    begun = False
    for piece in pieces:
        pending = piece
        while pending:
            begun = True
            if decoder.eof:
                # A gzip body may be several members in a row; zero padding may follow the last.
                pending = pending.lstrip(b"\0")
                if not pending or window != _GZIP:
                    break
                decoder = zlib.decompressobj(window)
            plain = _decompress(decoder, pending)
            pending = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            if plain:
                yield plain
        while not decoder.eof and (plain := _decompress(decoder, b"")):
            yield plain  # what a full output buffer kept inside the decoder
    if begun and not decoder.eof:
        raise BodyDamagedError("the compressed body ends too early")


def _decompress(decoder: zlib._Decompress, data: bytes) -> bytes:
    try:
        return decoder.decompress(data, _PIECE)
    except zlib.error as error:
        raise BodyDamagedError(str(error)) from error
