"""The timeline: when each sentence, word and chapter of a rendered script is heard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core.errors import Invalid
from production.reading_json import JsonReader
from production.script import Script

TIMELINE_VERSION = 1

# Sample positions become seconds by division, sums of them by addition: allow for the rounding.
ROUNDING = 1e-6
_WORD_PARTS = ("text", "start", "end")


class TimelineInvalid(Invalid):
    """The timeline contradicts itself; the message names the place that is wrong."""

    code = "timeline_invalid"


_read = JsonReader(TimelineInvalid)


@dataclass(frozen=True, slots=True)
class TimedWord:
    """One word, in seconds from the start of the audio."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class TimedSentence:
    """One sentence, in seconds from the start of the audio; `words` may be empty."""

    index: int
    chapter: int
    segment: int
    speaker: str
    text: str
    start: float
    end: float
    words: tuple[TimedWord, ...] = ()
    paragraph_end: bool = False


@dataclass(frozen=True, slots=True)
class TimedChapter:
    """One chapter, in seconds; it lasts until the next one begins or the audio ends."""

    title: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the audio side put a sentence, in samples of the finished audio.

    `words` are in seconds from the start of the finished audio.
    """

    start_sample: int
    end_sample: int
    words: tuple[TimedWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of a rendered script in time; `duration` is the audio's length in seconds."""

    duration: float
    language: str
    sentences: tuple[TimedSentence, ...]
    chapters: tuple[TimedChapter, ...]

    def validate(self) -> None:
        """Raise TimelineInvalid unless all times are ordered and inside the audio."""
        if not (math.isfinite(self.duration) and self.duration > 0):
            raise TimelineInvalid("The duration is not a positive number.", field="duration")
        _validate_spans(self.sentences, "sentences", 0.0, self.duration)
        _validate_spans(self.chapters, "chapters", 0.0, self.duration)
        for position, sentence in enumerate(self.sentences):
            place = f"sentences[{position}]"
            if sentence.index != position:
                raise TimelineInvalid(f"{place} has the index {sentence.index}.", field=place)
            if not 0 <= sentence.chapter < len(self.chapters):
                raise TimelineInvalid(f"{place} belongs to no chapter.", field=place)
            _validate_spans(sentence.words, f"{place}.words", sentence.start, sentence.end)
        for before, after in pairwise(self.sentences):
            if after.chapter < before.chapter or after.segment < before.segment:
                place = f"sentences[{after.index}]"
                raise TimelineInvalid(f"{place} is out of order.", field=place)

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists, strings and numbers; `from_json` is its inverse."""
        return {
            "version": TIMELINE_VERSION,
            "duration": self.duration,
            "language": self.language,
            "sentences": [_sentence_to_json(sentence) for sentence in self.sentences],
            "chapters": [
                {"title": chapter.title, "start": chapter.start, "end": chapter.end}
                for chapter in self.chapters
            ],
        }

    @classmethod
    def from_json(cls, data: object) -> Timeline:
        """Read what `to_json` wrote; TimelineInvalid names the first wrong place."""
        top = _read.mapping(data, "timeline")
        version = top.get("version")
        if version != TIMELINE_VERSION or isinstance(version, bool):
            raise TimelineInvalid("The timeline has an unknown version.", field="version")
        timeline = cls(
            duration=_read.seconds(top, "duration", "timeline"),
            language=_read.text(top, "language", "timeline"),
            sentences=tuple(
                _sentence_from_json(item, f"sentences[{index}]")
                for index, item in enumerate(_read.items(top, "sentences", "timeline"))
            ),
            chapters=tuple(
                _chapter_from_json(item, f"chapters[{index}]")
                for index, item in enumerate(_read.items(top, "chapters", "timeline"))
            ),
        )
        timeline.validate()
        return timeline


def build_timeline(
    script: Script, placements: Sequence[Placement], duration: float, *, sample_rate: int
) -> Timeline:
    """Join a script with the placements of its sentences, one each in speaking order.

    `duration` is in seconds, `sample_rate` in samples per second. The first chapter begins at
    zero, so that the chapters cover the whole audio. Raises TimelineInvalid when they disagree.
    """
    placed = tuple(script.sentences())
    if len(placed) != len(placements):
        raise TimelineInvalid(
            f"The script has {len(placed)} sentences, but {len(placements)} were placed.",
            field="sentences",
        )
    if sample_rate <= 0:
        raise TimelineInvalid("The sample rate is not positive.", field="sample_rate")
    sentences = tuple(
        TimedSentence(
            index=item.index,
            chapter=item.chapter,
            segment=item.segment,
            speaker=item.speaker,
            text=item.sentence.text,
            start=placement.start_sample / sample_rate,
            end=placement.end_sample / sample_rate,
            words=placement.words,
            paragraph_end=item.sentence.paragraph_end,
        )
        for item, placement in zip(placed, placements, strict=True)
    )
    timeline = Timeline(
        duration=duration,
        language=script.language,
        sentences=sentences,
        chapters=_timed_chapters(script, sentences, duration),
    )
    timeline.validate()
    return timeline


def _timed_chapters(
    script: Script, sentences: Sequence[TimedSentence], duration: float
) -> tuple[TimedChapter, ...]:
    first_starts: dict[int, float] = {}
    for sentence in sentences:
        first_starts.setdefault(sentence.chapter, sentence.start)
    if set(first_starts) != set(range(len(script.chapters))):
        raise TimelineInvalid("A chapter has no sentences.", field="chapters")
    starts = [0.0, *(first_starts[index] for index in range(1, len(script.chapters)))]
    ends = [*starts[1:], duration]
    return tuple(
        TimedChapter(title=chapter.title, start=start, end=end)
        for chapter, start, end in zip(script.chapters, starts, ends, strict=True)
    )


def _validate_spans(
    spans: Sequence[TimedSentence | TimedWord | TimedChapter],
    place: str,
    earliest: float,
    latest: float,
) -> None:
    previous_end = earliest
    for position, span in enumerate(spans):
        where = f"{place}[{position}]"
        if not (math.isfinite(span.start) and math.isfinite(span.end)):
            raise TimelineInvalid(f"{where} has a time that is not a number.", field=where)
        if span.end < span.start:
            raise TimelineInvalid(f"{where} ends before it starts.", field=where)
        if span.start < previous_end - ROUNDING:
            raise TimelineInvalid(f"{where} starts before the one before it ends.", field=where)
        if span.end > latest + ROUNDING:
            raise TimelineInvalid(f"{where} ends after what it belongs to.", field=where)
        previous_end = span.end


def _sentence_to_json(sentence: TimedSentence) -> dict[str, Any]:
    data: dict[str, Any] = {
        "index": sentence.index,
        "chapter": sentence.chapter,
        "segment": sentence.segment,
        "speaker": sentence.speaker,
        "text": sentence.text,
        "start": sentence.start,
        "end": sentence.end,
    }
    if sentence.words:
        data["words"] = [[word.text, word.start, word.end] for word in sentence.words]
    if sentence.paragraph_end:
        data["paragraph_end"] = True
    return data


def _sentence_from_json(data: object, place: str) -> TimedSentence:
    sentence = _read.mapping(data, place)
    return TimedSentence(
        index=_read.count(sentence, "index", place),
        chapter=_read.count(sentence, "chapter", place),
        segment=_read.count(sentence, "segment", place),
        speaker=_read.text(sentence, "speaker", place),
        text=_read.text(sentence, "text", place),
        start=_read.seconds(sentence, "start", place),
        end=_read.seconds(sentence, "end", place),
        words=tuple(
            _word_from_json(item, f"{place}.words[{index}]")
            for index, item in enumerate(_read.items(sentence, "words", place, required=False))
        ),
        paragraph_end=sentence.get("paragraph_end") is True,
    )


def _word_from_json(data: object, place: str) -> TimedWord:
    if not isinstance(data, list | tuple) or len(data) != len(_WORD_PARTS):
        raise TimelineInvalid(f"{place} is not a list of text, start and end.", field=place)
    parts = dict(zip(_WORD_PARTS, data, strict=True))
    return TimedWord(
        text=_read.text(parts, "text", place),
        start=_read.seconds(parts, "start", place),
        end=_read.seconds(parts, "end", place),
    )


def _chapter_from_json(data: object, place: str) -> TimedChapter:
    chapter = _read.mapping(data, place)
    return TimedChapter(
        title=_read.text(chapter, "title", place),
        start=_read.seconds(chapter, "start", place),
        end=_read.seconds(chapter, "end", place),
    )
