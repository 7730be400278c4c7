"""Writes the ID3v2.3 tag of a finished episode: title, artist, album, cover and chapters."""

# mutagen says that it is typed, but its constructors are not.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mutagen.id3 import (
    APIC,
    CHAP,
    CTOC,
    ID3,
    TALB,
    TCON,
    TDRC,
    TIT2,
    TLAN,
    TLEN,
    TPE1,
    TSSE,
    CTOCFlags,
    Encoding,
    PictureType,
)
from mutagen.id3._tags import save_frame

#: ISO 639-2 codes for TLAN by ISO 639-1, for the languages that voices exist for.
LANGUAGE_CODES = {
    "ar": "ara", "ca": "cat", "cs": "ces", "cy": "cym", "da": "dan", "de": "deu", "el": "ell",
    "en": "eng", "es": "spa", "fa": "fas", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin",
    "hu": "hun", "id": "ind", "is": "isl", "it": "ita", "ja": "jpn", "ka": "kat", "kk": "kaz",
    "ko": "kor", "lb": "ltz", "lv": "lav", "ml": "mal", "ne": "nep", "nl": "nld", "no": "nor",
    "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sk": "slk", "sl": "slv", "sr": "srp",
    "sv": "swe", "sw": "swa", "te": "tel", "th": "tha", "tr": "tur", "uk": "ukr", "vi": "vie",
    "zh": "zho",
}  # fmt: skip
#: No offset is known beyond the time: the value that ID3 gives to "look at the time".
NO_OFFSET = 0xFFFFFFFF
#: ID3 counts entries of a table of contents in one byte.
CHAPTERS_MAX = 255
HEADER_BYTES = 10


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture as bytes with its MIME type."""

    content: bytes
    mime_type: str


@dataclass(frozen=True, slots=True)
class TagChapter:
    """A titled part, in seconds."""

    title: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class EpisodeTags:
    """What the tag says; empty texts are left out."""

    title: str
    artist: str = ""
    album: str = ""
    language: str = ""
    year: int | None = None
    duration: float = 0.0
    encoder: str = "Podwright"
    cover: Cover | None = None
    chapters: Sequence[TagChapter] = ()


def write_tags(path: Path, tags: EpisodeTags) -> int:
    """Put `tags` at the head of the MP3 at `path`, in place of any it has.

    Returns the bytes before the first audio frame, which download counting takes off.
    """
    frames = _InOrder()
    for kind, text in (
        (TIT2, tags.title),
        (TPE1, tags.artist),
        (TALB, tags.album),
        (TCON, "Podcast"),
        (TLAN, _language_code(tags.language)),
        (TDRC, str(tags.year) if tags.year else ""),
        (TLEN, str(round(tags.duration * 1000)) if tags.duration else ""),
        (TSSE, tags.encoder),
    ):
        if _one_line(text):
            frames.add(kind(encoding=Encoding.UTF16, text=[_one_line(text)]))
    if tags.cover is not None:
        frames.add(_picture(tags.cover))
    _add_chapters(frames, tags.chapters[:CHAPTERS_MAX])
    frames.update_to_v23()
    frames.save(path, v2_version=3, v1=0, padding=_no_padding)
    return header_length(path)


class _InOrder(ID3):
    """A tag whose frames stand as they were added.

    mutagen sorts by size, so that the chapter with the shortest title comes first, and players
    that do not read the table of contents show chapters as they stand.
    """

    def _write(self, config: object) -> bytearray:
        return bytearray().join(save_frame(frame, config=config) for frame in self.values())


def _no_padding(_info: object) -> int:
    return 0


def header_length(path: Path) -> int:
    """The bytes of the ID3v2 tag at the head of a file, 0 if there is none."""
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    if len(head) < HEADER_BYTES or head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return HEADER_BYTES + size


def _add_chapters(frames: ID3, chapters: Sequence[TagChapter]) -> None:
    if not chapters:
        return
    names = [f"chp{number}" for number in range(len(chapters))]
    frames.add(
        CTOC(
            element_id="toc",
            flags=CTOCFlags.TOP_LEVEL | CTOCFlags.ORDERED,
            child_element_ids=names,
            sub_frames=[TIT2(encoding=Encoding.UTF16, text=["Chapters"])],
        )
    )
    for name, chapter in zip(names, chapters, strict=True):
        frames.add(
            CHAP(
                element_id=name,
                start_time=round(chapter.start * 1000),
                end_time=round(chapter.end * 1000),
                start_offset=NO_OFFSET,
                end_offset=NO_OFFSET,
                sub_frames=[TIT2(encoding=Encoding.UTF16, text=[_one_line(chapter.title)])],
            )
        )


def _picture(cover: Cover) -> APIC:
    return APIC(
        # Players of v2.3 read the description's encoding badly: it is empty, in the plainest one.
        encoding=Encoding.LATIN1,
        mime=cover.mime_type,
        type=PictureType.COVER_FRONT,
        desc="",
        data=cover.content,
    )


def _language_code(tag: str) -> str:
    return LANGUAGE_CODES.get(tag.replace("_", "-").split("-", 1)[0].lower(), "")


def _one_line(text: str) -> str:
    """`text` on one line, without characters that end or break an ID3 string."""
    clean = "".join(c if c.isprintable() else " " for c in text if not "\ud800" <= c <= "\udfff")
    return " ".join(clean.split())
