"""The kinds of files that can be read aloud, and how each is recognised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from core.errors import Invalid

#: Contracts promise at least 4 MB; books with pictures are larger.
MAX_FILE_BYTES = 10 << 20
#: What is looked at to know a kind.
START_BYTES = 1_024


class FileUnreadable(Invalid):
    """The file is empty, or of a kind that has no text to read."""

    code = "file_unreadable"


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind; `magic` are the first bytes of every such file, b"" where there are none."""

    extension: str
    mime_type: str
    magic: bytes = b""
    aliases: tuple[str, ...] = ()

    def may_begin(self, start: bytes) -> bool:
        """Whether such a file can begin with `start`; True for kinds without `magic`."""
        # A PDF may have some bytes of another program before its header.
        return self.magic in start if self.extension == "pdf" else start.startswith(self.magic)


FILE_KINDS = (
    FileKind("txt", "text/plain", aliases=("text",)),
    FileKind("md", "text/markdown", aliases=("markdown",)),
    FileKind("html", "text/html", aliases=("htm", "xhtml")),
    FileKind(
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        magic=b"PK\x03\x04",
    ),
    FileKind("pdf", "application/pdf", magic=b"%PDF-"),
    FileKind("epub", "application/epub+zip", magic=b"PK\x03\x04"),
)
#: What servers of a store or a form often call a file whose kind they do not know.
_UNKNOWN_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_OFFERED = ", ".join(kind.extension for kind in FILE_KINDS)


def file_kind(name: str, start: bytes) -> FileKind:
    """The kind of the file called `name` that begins with `start`. Raises `FileUnreadable`."""
    if not start.strip():
        raise FileUnreadable("File is empty", field="file")
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lstrip(".").lower()
    kind = next((kind for kind in FILE_KINDS if suffix in (kind.extension, *kind.aliases)), None)
    if kind is None:
        raise FileUnreadable(
            f"File must be one of {_OFFERED}, and its name must end so", field="file"
        )
    if not kind.may_begin(start):
        raise FileUnreadable(
            f"File is not a {kind.extension} file, whatever its name", field="file"
        )
    if not kind.magic and b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileUnreadable("File is not text, whatever its name", field="file")
    return kind


def document_kind(name: str, *, content_type: str, start: bytes) -> FileKind | None:
    """The kind of a fetched file that is no text, by what its server says and by its first bytes.

    `name` counts only where the server does not know the type (`content_type`, "" without one).
    None for pages, text, and whatever else is not one of these kinds.
    """
    suffix = PurePosixPath(name).suffix.lstrip(".").lower()
    for kind in FILE_KINDS:
        named = content_type == kind.mime_type or (
            content_type in _UNKNOWN_TYPES and suffix == kind.extension
        )
        if kind.magic and named and kind.may_begin(start):
            return kind
    return None
