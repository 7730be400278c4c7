"""Prints the text of one PDF, DOCX or PPTX; runs as a process of its own with little time and memory."""

from __future__ import annotations

import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree
from pypdf import PdfReader

CPU_SECONDS = 45
MEMORY_BYTES = 1 << 30
MAX_CHARACTERS = 2_000_000
MAX_UNFOLDED_BYTES = 50_000_000
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_SLIDE = re.compile(r"ppt/slides/slide([0-9]{1,6})\.xml")
_HEADING = re.compile(r"(?:heading|berschrift|titre|title)", re.IGNORECASE)


def main(path: Path) -> int:
    """0 with the text on standard output, 1 when it cannot be read."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        text = "\n\n".join(part for part in _parts(path) if part.strip())
    except Exception:  # noqa: BLE001 - whatever breaks on a stranger's file, the answer is the same
        return 1
    sys.stdout.buffer.write(text[:MAX_CHARACTERS].encode("utf-8", "replace"))
    return 0


def _parts(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        is_pdf = file.read(5) == b"%PDF-"
    if is_pdf:
        for page in PdfReader(path).pages:
            yield _joined_lines(page.extract_text())
        return
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_UNFOLDED_BYTES:
            raise ValueError("too large")
        names = set(archive.namelist())
        if "word/document.xml" in names:
            yield from _word_paragraphs(archive.read("word/document.xml"))
            return
        slides = sorted(
            (int(found[1]), name) for name in names if (found := _SLIDE.fullmatch(name))
        )
        if not slides:
            raise ValueError("neither DOCX nor PPTX")
        for _number, name in slides:
            yield from _slide_paragraphs(archive.read(name))


def _joined_lines(text: str) -> str:
    """A page's lines as paragraphs: a line that ends a sentence and is short ends one."""
    lines = [line.strip() for line in text.splitlines()]
    width = max(map(len, lines), default=0)
    parts: list[str] = []
    open_line = False
    for line in lines:
        if open_line and line:
            parts[-1] = (
                parts[-1][:-1] + line if _is_broken(parts[-1], line) else f"{parts[-1]} {line}"
            )
        elif line:
            parts.append(line)
        ends = line.endswith((".", "!", "?", ":")) and len(line) < width * 0.8
        open_line = bool(line) and not ends
    return "\n\n".join(parts)


def _is_broken(before: str, line: str) -> bool:
    return before.endswith("-") and line[:1].islower()


def _tree(content: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(content, parser)


def _word_paragraphs(content: bytes) -> Iterator[str]:
    for paragraph in _tree(content).iter(f"{_WORD}p"):
        text = "".join(
            node.text or "" if node.tag == f"{_WORD}t" else " "
            for node in paragraph.iter(f"{_WORD}t", f"{_WORD}tab", f"{_WORD}br")
        ).strip()
        style = paragraph.find(f"{_WORD}pPr/{_WORD}pStyle")
        name = style.get(f"{_WORD}val", "") if style is not None else ""
        yield f"## {text}" if text and _HEADING.search(str(name)) else text


def _slide_paragraphs(content: bytes) -> Iterator[str]:
    for position, paragraph in enumerate(_tree(content).iter(f"{_DRAWING}p")):
        text = "".join(node.text or "" for node in paragraph.iter(f"{_DRAWING}t")).strip()
        yield f"## {text}" if text and position == 0 else text


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
