"""Renders facts to the feed document; items that did not change are taken over as they were."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec
from django.conf import settings
from django.templatetags.static import static
from markupsafe import Markup

import feeds.item_xml
import feeds.notes
import feeds.tidy_html
import feeds.xml_values
from feeds.channel_xml import channel_source, channel_template
from feeds.facts import ChannelFacts, ItemFacts, ItemRow, ItemRows
from feeds.item_xml import item_xml
from feeds.kept import KeptChunk, KeptItem, KeptPage, PageTable, Part
from feeds.notes import cut_text, plain_text
from feeds.segments import HEADER_BYTES, deflate_part, gzip_of_parts

#: Processors have instructions for SHA-256, which make it faster than any other good hash.
_hash = hashlib.sha256
_DIGEST_BYTES = 16
_encode = msgspec.msgpack.Encoder().encode
#: The code that makes items of facts.
_MAKERS = (feeds.item_xml, feeds.notes, feeds.tidy_html, feeds.xml_values)
#: Stands where the items come; facts cannot hold it, since their `<` is escaped.
_ITEMS = "<!-- items -->"
#: Items of a chunk: about one in _CHUNK_ITEMS begins a new one, whatever stands around it, so that an
#: item more or less changes one chunk and no other.
_CHUNK_ITEMS = 32
_MOST_CHUNK_ITEMS = 96


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """The document in both forms, with the parts to be kept and where they are in the two.

    The forms are in pieces: joined, a large page would be copied in memory once more.
    """

    document: tuple[bytes | memoryview, ...]
    gzipped: tuple[bytes | memoryview, ...]
    content_digest: str
    parts: tuple[Part, ...]
    head_bytes: int
    head_deflated_bytes: int
    newly_rendered: int


def render_page(
    channel: ChannelFacts, items: ItemRows, *, kept: KeptPage, newest: ItemFacts | None
) -> RenderedPage:
    """The whole document in UTF-8; `kept` are the parts of an earlier rendering.

    Equal facts give equal bytes: nothing of the clock, the process or the request gets in.
    """
    parts, rendered = _parts(items, kept)
    head, tail = _channel(channel, newest)
    document = (head, *(part.text for part in parts), tail)
    deflated_head = deflate_part(head)
    content = _hash(head + tail)
    for part in parts:
        content.update(part.text_digest)
    return RenderedPage(
        document=document,
        gzipped=gzip_of_parts(
            (deflated_head, *(part.deflated for part in parts), deflate_part(tail, is_last=True)),
            document=document,
        ),
        content_digest=content.hexdigest()[: 2 * _DIGEST_BYTES],
        parts=tuple(parts),
        head_bytes=len(head),
        head_deflated_bytes=len(deflated_head),
        newly_rendered=rendered,
    )


def table_of(name: str, page: RenderedPage) -> PageTable:
    """The table of the files that are written under `name`."""
    chunks = []
    start, deflated_start = page.head_bytes, HEADER_BYTES + page.head_deflated_bytes
    for part in page.parts:
        chunks.append(
            KeptChunk(
                digest=part.digest,
                items=part.items,
                text_digest=part.text_digest,
                start=start,
                length=len(part.text),
                deflated_start=deflated_start,
                deflated_length=len(part.deflated),
            )
        )
        start += len(part.text)
        deflated_start += len(part.deflated)
    return PageTable(
        name=name,
        content_digest=page.content_digest,
        plain_bytes=sum(map(len, page.document)),
        gzip_bytes=sum(map(len, page.gzipped)),
        chunks=tuple(chunks),
    )


@lru_cache(maxsize=1)
def templates_digest() -> str:
    """Changes with the program's version, the channel's template and the code that makes items."""
    parts = (settings.VERSION, channel_source(), *map(inspect.getsource, _MAKERS))
    return _hash("".join(parts).encode()).hexdigest()


def _parts(items: ItemRows, kept: KeptPage) -> tuple[list[Part], int]:
    """The chunks in order, and how many items had to be rendered for them."""
    context = _hash(f"{templates_digest()}{items.context!r}".encode()).digest()
    chunks = [(chunk, _digest(context, *chunk)) for chunk in _chunks(items.rows)]
    found = {digest: part for _, digest in chunks if (part := kept.part(digest)) is not None}
    changed = [row for chunk, digest in chunks if digest not in found for row in chunk]
    names = {row.pk: _digest(context, row) for row in changed}
    fragments = kept.fragments(outside=found)
    missing = [row for row in changed if names[row.pk] not in fragments]
    for row, facts in zip(missing, items.facts(missing), strict=True):
        fragments[names[row.pk]] = item_xml(facts).encode()
    parts = [
        found.get(digest)
        or _part(digest, [(names[row.pk], fragments[names[row.pk]]) for row in chunk])
        for chunk, digest in chunks
    ]
    return parts, len(missing)


def _part(digest: bytes, fragments: Sequence[tuple[bytes, bytes | memoryview]]) -> Part:
    text = b"".join(fragment for _name, fragment in fragments)
    return Part(
        digest=digest,
        items=tuple(KeptItem(name, len(fragment)) for name, fragment in fragments),
        text=text,
        text_digest=_hash(text).digest()[:_DIGEST_BYTES],
        deflated=deflate_part(text),
    )


def _chunks(rows: Sequence[ItemRow]) -> Iterator[Sequence[ItemRow]]:
    """The rows in runs. Where one begins depends on the row there alone, but for very long ones."""
    start = 0
    for number, row in enumerate(rows):
        # Knuth's multiplicative hash: ids of one show may all be even, or end in 5.
        begins = (row.pk * 2_654_435_761 >> 16) % _CHUNK_ITEMS == 0
        if number > start and (begins or number - start == _MOST_CHUNK_ITEMS):
            yield rows[start:number]
            start = number
    if start < len(rows):
        yield rows[start:]


def _digest(context: bytes, *rows: ItemRow) -> bytes:
    # msgpack: a quarter of the time of `repr`, and it tells every two values apart as well.
    return _hash(context + _encode(rows)).digest()[:_DIGEST_BYTES]


def _channel(channel: ChannelFacts, newest: ItemFacts | None) -> tuple[bytes, bytes]:
    """What stands before the items and what stands after them."""
    rendered = channel_template().render(
        channel=channel,
        description=cut_text(plain_text(channel.description) or channel.title),
        newest=newest.published_at if newest else None,
        stylesheet=static("feeds/feed.css"),
        items=Markup(_ITEMS),  # noqa: S704 - our own constant
    )
    head, _, tail = rendered.partition(_ITEMS)
    return head.encode(), tail.encode()
