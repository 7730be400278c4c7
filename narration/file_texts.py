"""Takes the text out of a PDF, Word or EPUB file; runs as a program of its own, with little to lose.

`python -m narration.file_texts pdf < file` prints one JSON object: `html` or `text`, `title`,
`author` and `language`; or `refusal`, a sentence for the person who sent the file. Files come from
strangers and their readers are large programs, so that this one may use only so much memory and
time, and knows neither database nor settings.
"""

from __future__ import annotations

import io
import json
import logging
import re
import resource
import sys
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 30
MAX_UNPACKED_BYTES = 200_000_000
MAX_MEMBERS = 10_000
#: Many times what any plan allows to be read.
MAX_CHARACTERS = 3_000_000
_HYPHEN_AT_END = re.compile(r"(?<=[a-z])-\n(?=[a-z])")
_NUMBER = re.compile(r"\d+")
_BODY = re.compile(r"<body\b[^>]*>(.*)</body>", re.IGNORECASE | re.DOTALL)
#: How many pages must begin or end alike before that line counts as the page's, not the text's.
_REPEATED = 3


class Refused(Exception):
    """The file cannot be read; the message says why and what to do."""


def pdf_text(content: bytes) -> dict[str, str]:
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
    return {
        "text": text,
        "title": str((facts and facts.title) or ""),
        "author": str((facts and facts.author) or ""),
    }


def joined_pages(pages: list[str]) -> str:
    """Pages as one text: running titles and page numbers go, words parted at a line's end are whole."""
    lines = [[line.rstrip() for line in page.split("\n") if line.strip()] for page in pages]
    ends = Counter(
        _NUMBER.sub("#", line.strip()) for page in lines for line in {*page[:1], *page[-1:]}
    )
    running = {line for line, count in ends.items() if count >= max(_REPEATED, len(pages) // 2)}
    kept = ("\n".join(_without_running(page, running)) for page in lines)
    return _HYPHEN_AT_END.sub("", "\n".join(page for page in kept if page))


def docx_html(content: bytes) -> dict[str, str]:
    """The text of a Word file as HTML, headings, lists and tables kept."""
    import mammoth  # noqa: PLC0415

    with _archive(content) as archive:
        if "word/document.xml" not in archive.namelist():
            raise Refused("it is not a Word document (docx)")
        facts = _docx_facts(archive)
    result = mammoth.convert_to_html(
        io.BytesIO(content), convert_image=mammoth.images.img_element(lambda _image: {})
    )
    return {"html": str(result.value), **facts}


def epub_html(content: bytes) -> dict[str, str]:
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
    return {
        "html": f"<html><body>{''.join(chapters)}</body></html>",
        "title": _first_value(book.get_metadata("DC", "title")),
        "author": _first_value(book.get_metadata("DC", "creator")),
        "language": _first_value(book.get_metadata("DC", "language")),
    }


READERS: dict[str, Callable[[bytes], dict[str, str]]] = {
    "pdf": pdf_text,
    "docx": docx_html,
    "epub": epub_html,
}


def read_file(extension: str, content: bytes) -> dict[str, str]:
    """What is in the file, or `refusal`; whatever a library meets inside is a damaged file."""
    try:
        return READERS[extension](content)
    except Refused as refusal:
        return {"refusal": str(refusal)}
    except MemoryError:
        return {"refusal": "reading it takes more memory than is allowed"}
    except Exception as error:  # noqa: BLE001 - libraries raise all sorts on hostile files
        print(type(error).__name__, file=sys.stderr)  # noqa: T201 - for whoever runs it by hand
        return {"refusal": "it is damaged"}


def main() -> None:
    """Read standard input as the kind that the first argument names."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    found = read_file(sys.argv[1], sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(found))


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


def _body_of(content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    match = _BODY.search(text)
    return match[1] if match else text


def _docx_facts(archive: zipfile.ZipFile) -> dict[str, str]:
    from lxml import etree  # noqa: PLC0415

    if "docProps/core.xml" not in archive.namelist():
        return {}
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    tree = etree.fromstring(archive.read("docProps/core.xml"), parser)
    names = {"title": "title", "creator": "author", "language": "language"}
    return {
        names[etree.QName(element).localname]: element.text or ""
        for element in tree
        if isinstance(element.tag, str) and etree.QName(element).localname in names
    }


def _first_value(found: list[tuple[str | None, object]]) -> str:
    return next(chain((value or "" for value, _attributes in found), [""]))


if __name__ == "__main__":
    main()
