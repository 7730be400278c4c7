"""Turns sources into what writers write from: numbered paragraphs under their headings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from narration.languages import language_of
from production.document import Block, document_from_text
from studio.models import Source
from studio.writers.base import Material, Passage

#: A prompt of so many characters is a text in itself.
PROMPT_IS_SOURCE = 300
_SPOKEN = frozenset({"paragraph", "list_item", "quote"})


def materials_of(sources: Sequence[Source], *, prompt: str) -> tuple[Material, ...]:
    """The sources in their order; without any, a long prompt serves as one.

    A source's number is its row's, so that passages keep their ids when other sources go.
    """
    found = [_material(source.pk, source.text, source=source) for source in sources]
    if not found and len(prompt) >= PROMPT_IS_SOURCE:
        found = [_material(0, prompt, source=None)]
    return tuple(material for material in found if material.passages)


def _material(number: int, text: str, *, source: Source | None) -> Material:
    blocks = document_from_text(text).blocks
    title = source.title if source else ""
    return Material(
        number=number,
        source_id=str(source.uuid) if source else "",
        title=title or next((block.text for block in blocks if block.kind == "heading"), ""),
        url=source.url if source else "",
        language=(source.language if source else "") or language_of(text),
        passages=tuple(_passages(number, blocks, title=title)),
    )


def _passages(number: int, blocks: Sequence[Block], *, title: str) -> Iterator[Passage]:
    heading = ""
    count = 0
    for block in blocks:
        if block.kind == "heading":
            # A heading that repeats the title would open a chapter twice.
            heading = "" if block.text.casefold() == title.casefold() else block.text
        elif block.kind in _SPOKEN:
            count += 1
            yield Passage(id=f"{number}.{count}", text=block.text, heading=heading)
