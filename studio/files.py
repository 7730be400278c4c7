"""Which files can be sources, told by their content, and the text in them."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from charset_normalizer import from_bytes

from core.errors import UnsupportedType, Upstream
from core.text import clean_line, clean_text

MAX_FILE_BYTES = 10 << 20
READ_SECONDS = 60
KINDS = "PDF, plain text, Markdown, CSV, DOCX or PPTX"
_ZIP, _PDF = b"PK\x03\x04", b"%PDF-"
#: What UTF-16 begins with: the only text that may hold zero bytes.
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MARKDOWN, _CSV = frozenset({".md", ".markdown"}), frozenset({".csv"})
_LONGEST_ROW = 2_000


class FileKindUnknown(UnsupportedType):
    """The file is of no kind that can be read."""

    code = "file_kind_unknown"


class FileUnreadable(Upstream):
    """The file says that it is of a known kind, but cannot be read."""

    code = "file_unreadable"


def require_known_kind(start: bytes) -> None:
    """Refuse what is certainly no document by its first bytes. Raises `FileKindUnknown`."""
    is_text = bool(start) and (b"\0" not in start or start.startswith(_WIDE_MARKS))
    if not (start.startswith((_PDF, _ZIP)) or is_text):
        raise FileKindUnknown(f"file: must be {KINDS}.", field="file")


def text_of_file(path: Path, filename: str) -> str:
    """The text of the file as Markdown. Raises `FileUnreadable`, `FileKindUnknown`.

    Documents are read by a process of their own, with bounds on its time and memory: they come from
    strangers, and some are made to hang their reader.
    """
    with path.open("rb") as file:
        start = file.read(len(_PDF))
    if not start.startswith((_PDF, _ZIP)):
        return _plain_text(path.read_bytes(), Path(filename).suffix.lower())
    command = [sys.executable, "-m", "studio.document_process", str(path)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, and a path that we made
            command,
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            timeout=READ_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FileUnreadable(f"The file took longer than {READ_SECONDS} s to read.") from None
    if done.returncode:
        raise FileUnreadable(f"The file is damaged, encrypted, or not {KINDS}.")
    return clean_text(done.stdout.decode("utf-8", "replace"))


def _plain_text(content: bytes, suffix: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        best = from_bytes(content).best()
        if best is None:
            raise FileKindUnknown(f"The file is not {KINDS}.") from None
        text = str(best)
    text = clean_text(text)
    if suffix in _CSV:
        return "\n\n".join(_rows(text))
    return text if suffix in _MARKDOWN else _without_marks(text)


def _rows(text: str) -> Iterator[str]:
    """Each row as a sentence that names its columns."""
    with suppress(csv.Error):
        rows = csv.reader(io.StringIO(text))
        names = [clean_line(name) for name in next(rows, [])]
        for row in rows:
            cells = [clean_line(cell) for cell in row]
            pairs = [f"{name}: {cell}" for name, cell in zip(names, cells, strict=False) if cell]
            if pairs:
                yield ("; ".join(pairs)[:_LONGEST_ROW]) + "."


def _without_marks(text: str) -> str:
    """A plain text has no headings: its number signs are just that."""
    return re.sub(r"^(#+)", r"\\\1", text, flags=re.MULTILINE)
