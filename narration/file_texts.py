"""Takes the text out of a PDF, Word, PowerPoint, EPUB or CSV file."""

from __future__ import annotations

import csv
import html
import io
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain

from lxml import etree

from core.text import clean_line
from narration.decoding import decode_page
from narration.extraction import MAX_CHARACTERS

MAX_UNPACKED_BYTES = 200_000_000
MAX_MEMBERS = 10_000
_HYPHEN_AT_END = re.compile(r"(?<=[a-z])-\n(?=[a-z])")
_NUMBER = re.compile(r"\d+")
_BODY = re.compile(r"<body\b[^>]*>(.*)</body>", re.IGNORECASE | re.DOTALL)
#: How many pages must begin or end alike before that line counts as the page's, not the text's.
_REPEATED = 3
#: A line is short below this share of its page's width.
_SHORT = 0.8
_LONGEST_ROW = 2_000
_SLIDE = re.compile(r"ppt/slides/slide([0-9]{1,6})\.xml")
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_LIGATURES = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}


class Refused(Exception):
    """The file cannot be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a file: one of `html`, `text` and `lines`, and what it says of itself, "" where nothing."""

    html: str = ""
    text: str = ""
    lines: tuple[str, ...] = ()
    title: str = ""
    author: str = ""
    language: str = ""


def pdf_text(content: bytes) -> Contents:
    """The text of all pages, without what repeats at their tops and ends."""
    from pypdf import PdfReader  # noqa: PLC0415 - one kind of file, one library
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused("it is protected by a password. Save it without one and send it again")
        pages = _limited((page.extract_text() or "") for page in reader.pages)
        facts = reader.metadata
    except PyPdfError as error:
        raise Refused("it is damaged or not a PDF file") from error
    text = joined_pages(pages)
    if not any(character.isalnum() for character in text):
        raise Refused(
            "it holds pictures of pages and no text. Have its text recognised (OCR) and send it again"
        )
    return Contents(
        text=text,
        title=str((facts and facts.title) or ""),
        author=str((facts and facts.author) or ""),
    )


def joined_pages(pages: list[str]) -> str:
    """Pages as one text: running titles and page numbers go, words parted at a line's end are whole.

    Letters that were printed as one sign (ﬁ, ﬂ) are letters again: voices stumble over them.

    A line that ends a sentence well before the others ends a paragraph.
    """
    lines = [[line.rstrip() for line in page.split("\n") if line.strip()] for page in pages]
    ends = Counter(
        _NUMBER.sub("#", line.strip()) for page in lines for line in {*page[:1], *page[-1:]}
    )
    running = {line for line, count in ends.items() if count >= max(_REPEATED, len(pages) // 2)}
    kept = [line for page in lines for line in _paragraphs(_without_running(page, running))]
    return _HYPHEN_AT_END.sub("", "\n".join(kept)).translate(_LIGATURES)


def docx_html(content: bytes) -> Contents:
    """The text of a Word file as HTML, headings, lists and tables kept."""
    import mammoth  # noqa: PLC0415

    with _archive(content) as archive:
        if "word/document.xml" not in archive.namelist():
            raise Refused("it is not a Word document (docx)")
        facts = _docx_facts(archive)
    result = mammoth.convert_to_html(
        io.BytesIO(content), convert_image=mammoth.images.img_element(lambda _image: {})
    )
    return replace(facts, html=str(result.value))


def pptx_html(content: bytes) -> Contents:
    """The slides of a PowerPoint file in their order; what stands first on each is a heading."""
    with _archive(content) as archive:
        slides = sorted(
            (int(found[1]), name)
            for name in archive.namelist()
            if (found := _SLIDE.fullmatch(name))
        )
        if not slides:
            raise Refused("it is not a PowerPoint presentation (pptx)")
        parts = _limited(_slide(archive.read(name)) for _number, name in slides)
    return Contents(html=f"<html><body>{''.join(parts)}</body></html>")


def csv_lines(content: bytes) -> Contents:
    """Each row as a sentence that names its columns."""
    lines: list[str] = []
    with suppress(csv.Error):
        rows = csv.reader(io.StringIO(decode_page(content)))
        names = [clean_line(name) for name in next(rows, [])]
        for row in rows:
            cells = [clean_line(cell) for cell in row]
            pairs = [f"{name}: {cell}" for name, cell in zip(names, cells, strict=False) if cell]
            lines += ["; ".join(pairs)[:_LONGEST_ROW] + "."] if pairs else []
    return Contents(lines=tuple(_limited(iter(lines))))


def zip_html(content: bytes) -> Contents:
    """What is in a packed file of a kind that its name does not tell."""
    with _archive(content) as archive:
        names = set(archive.namelist())
    if "META-INF/container.xml" in names:
        return epub_html(content)
    return docx_html(content) if "word/document.xml" in names else pptx_html(content)


def epub_html(content: bytes) -> Contents:
    """The chapters of a book in reading order, as one HTML document."""
    from ebooklib import epub  # noqa: PLC0415

    with _archive(content) as archive:
        names = archive.namelist()
        if "META-INF/container.xml" not in names:
            raise Refused("it is not an EPUB book")
        if "META-INF/rights.xml" in names:
            raise Refused("it is protected (DRM), so that only its own shop's readers open it")
    book = epub.read_epub(io.BytesIO(content), {"ignore_ncx": True})
    items = (book.get_item_with_id(identifier) for identifier, *_rest in book.spine)
    chapters = _limited(
        _body_of(item.get_content())
        for item in items
        if item is not None and not isinstance(item, epub.EpubNav)
    )
    return Contents(
        html=f"<html><body>{''.join(chapters)}</body></html>",
        title=_first_value(book.get_metadata("DC", "title")),
        author=_first_value(book.get_metadata("DC", "creator")),
        language=_first_value(book.get_metadata("DC", "language")),
    )


READERS: dict[str, Callable[[bytes], Contents]] = {
    "csv": csv_lines,
    "docx": docx_html,
    "epub": epub_html,
    "pdf": pdf_text,
    "pptx": pptx_html,
    "zip": zip_html,
}


def _archive(content: bytes) -> zipfile.ZipFile:
    """The file as a ZIP archive that may be unpacked."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise Refused("it is damaged") from error
    members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise Refused("it is protected by a password. Save it without one and send it again")
    if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_UNPACKED_BYTES:
        raise Refused("it unpacks to more than is allowed")
    return archive


def _limited(texts: Iterator[str]) -> list[str]:
    kept: list[str] = []
    characters = 0
    for text in texts:
        characters += len(text)
        if characters > MAX_CHARACTERS:
            raise Refused("it holds far more text than can be read in one episode")
        kept.append(text)
    return kept


def _without_running(page: list[str], running: set[str]) -> list[str]:
    last = len(page) - 1
    return [
        line
        for number, line in enumerate(page)
        if number not in {0, last}
        or not (line.strip().isdigit() or _NUMBER.sub("#", line.strip()) in running)
    ]


def _paragraphs(page: list[str]) -> Iterator[str]:
    width = max(map(len, page), default=0)
    for line in page:
        yield line
        if line.endswith((".", "!", "?", ":")) and len(line) < _SHORT * width:
            yield ""


def _body_of(content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    match = _BODY.search(text)
    return match[1] if match else text


def _docx_facts(archive: zipfile.ZipFile) -> Contents:
    if "docProps/core.xml" not in archive.namelist():
        return Contents()
    tree = _tree(archive.read("docProps/core.xml"))
    found = {
        etree.QName(element).localname: element.text or ""
        for element in tree
        if isinstance(element.tag, str)
    }
    return Contents(
        title=found.get("title", ""),
        author=found.get("creator", ""),
        language=found.get("language", ""),
    )


def _slide(content: bytes) -> str:
    texts = (
        "".join(str(node.text or "") for node in paragraph.iter(f"{_DRAWING}t")).strip()
        for paragraph in _tree(content).iter(f"{_DRAWING}p")
    )
    first, *others = [html.escape(text) for text in texts if text] or [""]
    return f"<h2>{first}</h2>" + "".join(f"<p>{text}</p>" for text in others)


def _tree(content: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(content, parser)


def _first_value(found: list[tuple[str | None, object]]) -> str:
    return next(chain((value or "" for value, _attributes in found), [""]))
