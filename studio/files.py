"""Which files can be sources, told by their content."""

from __future__ import annotations

from pathlib import Path

from core.errors import UnsupportedType

MAX_FILE_BYTES = 10 << 20
KINDS = "PDF, plain text, Markdown, HTML, CSV, DOCX, PPTX or EPUB"
_ZIP, _PDF = b"PK\x03\x04", b"%PDF-"
#: What UTF-16 begins with: the only text that may hold zero bytes.
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_KINDS_OF_TEXT = {".csv": "csv", ".htm": "html", ".html": "html"}


class FileKindUnknown(UnsupportedType):
    """The file is of no kind that can be read."""

    code = "file_kind_unknown"


def require_known_kind(start: bytes) -> None:
    """Refuse what is certainly no document by its first bytes. Raises `FileKindUnknown`."""
    is_text = bool(start) and (b"\0" not in start or start.startswith(_WIDE_MARKS))
    if not (start.startswith((_PDF, _ZIP)) or is_text):
        raise FileKindUnknown(f"file: must be {KINDS}.", field="file")


def kind_of_file(start: bytes, filename: str) -> str:
    """How `narration.source_reading.read_file` is to read it: by its first bytes, then by its name."""
    if start.startswith((_PDF, _ZIP)):
        return "pdf" if start.startswith(_PDF) else "zip"
    return _KINDS_OF_TEXT.get(Path(filename).suffix.lower(), "txt")
