"""What is kept of a feed's page for next time: its two files, and a table of the parts in them."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec


class KeptItem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One item's fragment: the digest of what it states, and its length in bytes."""

    digest: bytes
    length: int


class KeptChunk(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A run of items: the digest of their rows, where its text and its deflated form are."""

    digest: bytes
    items: tuple[KeptItem, ...]
    text_digest: bytes
    start: int
    length: int
    deflated_start: int
    deflated_length: int


class PageTable(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Written after the files that it describes, so where it is they are.

    `name` is that of the version and the page; `content_digest` is of the document.
    """

    name: str
    content_digest: str
    plain_bytes: int
    gzip_bytes: int
    chunks: tuple[KeptChunk, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk ready to be written again."""

    digest: bytes
    items: tuple[KeptItem, ...]
    text: bytes | memoryview
    text_digest: bytes
    deflated: bytes | memoryview


class KeptPage:
    """The parts of a page as it was last written; they are views of its two files, not copies."""

    def __init__(self, table: PageTable | None = None, plain: bytes = b"", gz: bytes = b"") -> None:
        self._plain = memoryview(plain)
        self._gz = memoryview(gz)
        self._chunks: Mapping[bytes, KeptChunk] = {}
        if table is not None and (len(plain), len(gz)) == (table.plain_bytes, table.gzip_bytes):
            self._chunks = {chunk.digest: chunk for chunk in table.chunks}

    def part(self, digest: bytes) -> Part | None:
        """The chunk with this digest of its rows."""
        chunk = self._chunks.get(digest)
        if chunk is None:
            return None
        end = chunk.deflated_start + chunk.deflated_length
        return Part(
            digest=digest,
            items=chunk.items,
            text=self._plain[chunk.start : chunk.start + chunk.length],
            text_digest=chunk.text_digest,
            deflated=self._gz[chunk.deflated_start : end],
        )

    def fragments(self, *, outside: Container[bytes]) -> dict[bytes, bytes | memoryview]:
        """Every item's text by its digest, but for those in chunks with the digests of `outside`."""
        found: dict[bytes, bytes | memoryview] = {}
        for chunk in self._chunks.values():
            if chunk.digest in outside:
                continue
            start = chunk.start
            for item in chunk.items:
                found[item.digest] = self._plain[start : start + item.length]
                start += item.length
        return found


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(PageTable).decode


def read_table(path: Path) -> PageTable | None:
    """The table in the file; None when there is none, or a damaged one."""
    try:
        return _decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


def write_table(path: Path, table: PageTable) -> None:
    """Write the table, after the files that it describes.

    It is not made durable: one that a power failure cut short is as good as none.
    """
    draft = path.with_name(f".{secrets.token_hex(8)}")
    draft.write_bytes(_encode(table))
    draft.replace(path)


def read_page(folder: Path, table: PageTable | None) -> KeptPage:
    """The page that the table describes; an empty one where its files are gone."""
    if table is not None:
        with contextlib.suppress(OSError):
            plain = (folder / f"{table.name}.xml").read_bytes()
            return KeptPage(table, plain, (folder / f"{table.name}.xml.gz").read_bytes())
    return KeptPage()
