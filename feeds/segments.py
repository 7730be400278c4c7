"""A gzip file whose parts can be kept: each is compressed by itself, and the file is one member.

A deflate stream may be ended on a byte's border at any point (RFC 1951, "sync flush"), and what comes
next need not look back. Parts compressed so can follow each other inside one gzip member, which every
reader takes, unlike a file of several members. It costs some 2 % of size for parts of 64 KB.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from zlib_ng import zlib_ng

_LEVEL = 6
#: No name, no time: equal documents give equal bytes. 255: the operating system does not matter.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

HEADER_BYTES = len(_HEADER)


def deflate_part(text: bytes, *, is_last: bool = False) -> bytes:
    """`text` compressed without looking back; the last part also ends the stream."""
    compressor = zlib_ng.compressobj(_LEVEL, zlib_ng.DEFLATED, -zlib_ng.MAX_WBITS)
    mode = zlib_ng.Z_FINISH if is_last else zlib_ng.Z_SYNC_FLUSH
    return compressor.compress(text) + compressor.flush(mode)


def gzip_of_parts(
    parts: Iterable[bytes | memoryview], *, document: Iterable[bytes | memoryview]
) -> tuple[bytes | memoryview, ...]:
    """The pieces of the gzip file of `document`, whose parts in order, the last one included, these are."""
    checksum = size = 0
    for text in document:
        checksum = zlib_ng.crc32(text, checksum)
        size += len(text)
    return (_HEADER, *parts, struct.pack("<LL", checksum, size & 0xFFFFFFFF))


def gzip_whole(document: bytes) -> bytes:
    """The gzip file of a document of which no part is kept."""
    return b"".join(gzip_of_parts((deflate_part(document, is_last=True),), document=(document,)))
