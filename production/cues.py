"""Caption cues: sentences in pieces of readable size, each with its share of the sentence's time."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from production.timeline import TimedSentence, Timeline

# Two lines of 42 characters are what broadcasters' caption rules allow.
LINE_WIDTH = 42
LINES = 2


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption; times in whole milliseconds, each cue ends after it starts."""

    start: int
    end: int
    speaker: str
    lines: tuple[str, ...]


def cues_of(timeline: Timeline) -> list[Cue]:
    """Return the cues of all sentences in order, inside the audio and never overlapping.

    Within a sentence, time is shared by the words' times where they are known and by length
    otherwise. Only when a sentence has no room of its own (under a millisecond) do cues merge.
    """
    limit = int(timeline.duration * 1000)
    cues: list[Cue] = []
    for sentence in timeline.sentences:
        for cue in _sentence_cues(sentence):
            start = max(cue.start, cues[-1].end if cues else 0)
            end = min(max(cue.end, start + 1), limit)
            if end > start:
                cues.append(Cue(start, end, cue.speaker, cue.lines))
            elif cues:
                last = cues.pop()
                cues.append(Cue(last.start, last.end, last.speaker, last.lines + cue.lines))
            else:
                cues.append(Cue(0, max(limit, 1), cue.speaker, cue.lines))
    return cues


def _sentence_cues(sentence: TimedSentence) -> Iterator[Cue]:
    lines = textwrap.wrap(_printable(sentence.text), LINE_WIDTH, break_on_hyphens=False)
    groups = [tuple(group) for group in _evenly(lines)]
    ends = _end_times(sentence, groups)
    start = round(sentence.start * 1000)
    for group, end in zip(groups, ends, strict=True):
        yield Cue(start, end, sentence.speaker, group)
        start = end


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _evenly(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    for position in range(0, len(lines), LINES):
        yield lines[position : position + LINES]


def _end_times(sentence: TimedSentence, groups: Sequence[Sequence[str]]) -> list[int]:
    """Return each group's end in milliseconds; the last one is the sentence's end."""
    lengths = [sum(len(line.replace(" ", "")) for line in group) for group in groups]
    total = sum(lengths) or 1
    word_ends = _word_ends(sentence)
    ends: list[int] = []
    done = 0
    for length in lengths[:-1]:
        done += length
        share = sentence.start + (sentence.end - sentence.start) * done / total
        ends.append(round(word_ends.get(done, share) * 1000))
    return [*ends, round(sentence.end * 1000)]


def _word_ends(sentence: TimedSentence) -> dict[int, float]:
    """Map the count of characters spoken so far to the time, when the words spell the sentence."""
    spelled = "".join(word.text for word in sentence.words)
    if "".join(spelled.split()) != "".join(_printable(sentence.text).split()):
        return {}
    ends: dict[int, float] = {}
    done = 0
    for word in sentence.words:
        done += len("".join(word.text.split()))
        ends[done] = word.end
    return ends
