"""The script model: what a production says, by chapter, speaking turn and sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.errors import Invalid
from production.reading_json import JsonReader

SCRIPT_VERSION = 1


class ScriptInvalid(Invalid):
    """The script cannot be produced; the message names the place that is wrong."""

    code = "script_invalid"


_read = JsonReader(ScriptInvalid)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One rendered unit: `text` is shown, `spoken` is what the voice engine gets."""

    text: str
    spoken: str
    paragraph_end: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """One turn of one speaker; `voice` is the id of an engine's voice."""

    speaker: str
    voice: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A titled part of the script; an untitled opening has the title ""."""

    title: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of the source that is not read aloud, and why (`code`, `table`, `unspeakable`)."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class PlacedSentence:
    """A sentence with its address in the script; indexes count from zero."""

    index: int
    chapter: int
    segment: int
    chapter_title: str
    speaker: str
    voice: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Script:
    """A whole script; `language` is a tag such as "en" or "en-US"."""

    language: str
    chapters: tuple[Chapter, ...]
    left_out: tuple[LeftOut, ...] = ()

    def sentences(self) -> Iterator[PlacedSentence]:
        """Yield every sentence in speaking order; `segment` counts within the whole script."""
        index = 0
        segment_index = 0
        for chapter_index, chapter in enumerate(self.chapters):
            for segment in chapter.segments:
                for sentence in segment.sentences:
                    yield PlacedSentence(
                        index=index,
                        chapter=chapter_index,
                        segment=segment_index,
                        chapter_title=chapter.title,
                        speaker=segment.speaker,
                        voice=segment.voice,
                        sentence=sentence,
                    )
                    index += 1
                segment_index += 1

    def sentence_count(self) -> int:
        """Count the sentences to be rendered."""
        return sum(
            len(segment.sentences) for chapter in self.chapters for segment in chapter.segments
        )

    def character_count(self) -> int:
        """Count the shown characters of all sentences."""
        return sum(len(placed.sentence.text) for placed in self.sentences())

    def word_count(self) -> int:
        """Count the shown words, separated by white space, of all sentences."""
        return sum(len(placed.sentence.text.split()) for placed in self.sentences())

    def voices(self) -> tuple[str, ...]:
        """List the voice ids in order of first use, each once."""
        return tuple(dict.fromkeys(placed.voice for placed in self.sentences()))

    def speakers(self) -> tuple[str, ...]:
        """List the speakers in order of first use, each once."""
        return tuple(dict.fromkeys(placed.speaker for placed in self.sentences()))

    def validate(self) -> None:
        """Raise ScriptInvalid when the script cannot be produced, naming what is wrong."""
        if not self.language.strip():
            raise ScriptInvalid("The script has no language.", field="language")
        if not self.chapters:
            raise ScriptInvalid("The script has no chapters.", field="chapters")
        for chapter_index, chapter in enumerate(self.chapters):
            _validate_chapter(chapter, f"chapters[{chapter_index}]")

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists and strings; `from_json` is its inverse."""
        return {
            "version": SCRIPT_VERSION,
            "language": self.language,
            "chapters": [_chapter_to_json(chapter) for chapter in self.chapters],
            "left_out": [{"kind": part.kind, "text": part.text} for part in self.left_out],
        }

    @classmethod
    def from_json(cls, data: object) -> Script:
        """Read what `to_json` wrote; ScriptInvalid names the first wrong place."""
        top = _read.mapping(data, "script")
        version = top.get("version")
        if version != SCRIPT_VERSION or isinstance(version, bool):
            raise ScriptInvalid("The script has an unknown version.", field="version")
        script = cls(
            language=_read.text(top, "language", ""),
            chapters=tuple(
                _chapter_from_json(item, f"chapters[{index}]")
                for index, item in enumerate(_read.items(top, "chapters", ""))
            ),
            left_out=tuple(
                _left_out_from_json(item, f"left_out[{index}]")
                for index, item in enumerate(_read.items(top, "left_out", "", required=False))
            ),
        )
        script.validate()
        return script


def _validate_chapter(chapter: Chapter, place: str) -> None:
    if not chapter.segments:
        raise ScriptInvalid(f"{place} has no segments.", field=place)
    for segment_index, segment in enumerate(chapter.segments):
        _validate_segment(segment, f"{place}.segments[{segment_index}]")


def _validate_segment(segment: Segment, place: str) -> None:
    if not segment.voice.strip():
        raise ScriptInvalid(f"{place} has no voice.", field=f"{place}.voice")
    if not segment.sentences:
        raise ScriptInvalid(f"{place} has no sentences.", field=place)
    for index, sentence in enumerate(segment.sentences):
        where = f"{place}.sentences[{index}]"
        if not sentence.text.strip():
            raise ScriptInvalid(f"{where} has no text.", field=f"{where}.text")
        if not any(character.isalnum() for character in sentence.spoken):
            raise ScriptInvalid(f"{where} has nothing to speak.", field=f"{where}.spoken")


def _chapter_to_json(chapter: Chapter) -> dict[str, Any]:
    return {
        "title": chapter.title,
        "segments": [
            {
                "speaker": segment.speaker,
                "voice": segment.voice,
                "sentences": [_sentence_to_json(sentence) for sentence in segment.sentences],
            }
            for segment in chapter.segments
        ],
    }


def _sentence_to_json(sentence: Sentence) -> dict[str, Any]:
    data: dict[str, Any] = {"text": sentence.text, "spoken": sentence.spoken}
    if sentence.paragraph_end:
        data["paragraph_end"] = True
    return data


def _chapter_from_json(data: object, place: str) -> Chapter:
    chapter = _read.mapping(data, place)
    return Chapter(
        title=_read.text(chapter, "title", place),
        segments=tuple(
            _segment_from_json(item, f"{place}.segments[{index}]")
            for index, item in enumerate(_read.items(chapter, "segments", place))
        ),
    )


def _segment_from_json(data: object, place: str) -> Segment:
    segment = _read.mapping(data, place)
    return Segment(
        speaker=_read.text(segment, "speaker", place),
        voice=_read.text(segment, "voice", place),
        sentences=tuple(
            _sentence_from_json(item, f"{place}.sentences[{index}]")
            for index, item in enumerate(_read.items(segment, "sentences", place))
        ),
    )


def _sentence_from_json(data: object, place: str) -> Sentence:
    sentence = _read.mapping(data, place)
    paragraph_end = sentence.get("paragraph_end", False)
    if not isinstance(paragraph_end, bool):
        raise ScriptInvalid(
            f"{place}.paragraph_end is not true or false.", field=f"{place}.paragraph_end"
        )
    return Sentence(
        text=_read.text(sentence, "text", place),
        spoken=_read.text(sentence, "spoken", place),
        paragraph_end=paragraph_end,
    )


def _left_out_from_json(data: object, place: str) -> LeftOut:
    part = _read.mapping(data, place)
    return LeftOut(kind=_read.text(part, "kind", place), text=_read.text(part, "text", place))
