"""Transcripts of a finished timeline: WebVTT, SubRip, Podcasting 2.0 JSON and HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from itertools import groupby

from production.cues import cues_of
from production.timeline import TimedSentence, Timeline

JSON_TRANSCRIPT_VERSION = "1.0.0"


def to_vtt(timeline: Timeline) -> str:
    """Return WebVTT; each cue carries its speaker in a voice tag, which Apple reads."""
    parts = ["WEBVTT"]
    for cue in cues_of(timeline):
        text = "\n".join(_vtt_escape(line) for line in cue.lines)
        name = " ".join(cue.speaker.translate(_NO_BRACKETS).split())
        tag = f"<v {_vtt_escape(name)}>" if name else ""
        parts.append(f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{tag}{text}")
    return "\n\n".join(parts) + "\n"


def to_srt(timeline: Timeline) -> str:
    """Return SubRip; when several people speak, each turn starts with the speaker's name."""
    several = len({sentence.speaker for sentence in timeline.sentences}) > 1
    parts = []
    speaker = None
    for number, cue in enumerate(cues_of(timeline), start=1):
        turn = several and cue.speaker and cue.speaker != speaker
        speaker = cue.speaker
        # An arrow inside the text would look like a line of times.
        text = "\n".join(cue.lines).replace("-->", "->")
        if turn:
            text = f"{' '.join(cue.speaker.split())}: {text}"
        parts.append(f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{text}\n")
    return "\n".join(parts)


def to_json(timeline: Timeline) -> str:
    """Return the Podcasting 2.0 JSON transcript: a segment a word where word times are known."""
    segments = [segment for sentence in timeline.sentences for segment in _segments(sentence)]
    document = {"version": JSON_TRANSCRIPT_VERSION, "segments": segments}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def to_html(timeline: Timeline) -> str:
    """Return the HTML transcript of the podcast namespace: cite, time and p, paragraph by paragraph.

    All text is escaped.
    """
    parts = []
    speaker = None
    for paragraph in _paragraphs(timeline):
        first = paragraph[0]
        if first.speaker and first.speaker != speaker:
            parts.append(f"<cite>{escape(first.speaker)}:</cite>")
        speaker = first.speaker
        text = " ".join(sentence.text for sentence in paragraph)
        parts.append(f"<time>{_short_clock(first.start)}</time>")
        parts.append(f"<p>{escape(text)}</p>")
    return "\n".join(parts) + "\n"


_NO_BRACKETS = str.maketrans("", "", "<>")


def _vtt_escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _segments(sentence: TimedSentence) -> Iterator[dict[str, str | float]]:
    spans = sentence.words or (sentence,)
    for span in spans:
        yield {
            "speaker": sentence.speaker,
            "startTime": round(span.start, 3),
            "endTime": round(span.end, 3),
            "body": span.text,
        }


def _paragraphs(timeline: Timeline) -> Iterator[list[TimedSentence]]:
    for _turn, sentences in groupby(timeline.sentences, key=lambda one: (one.chapter, one.segment)):
        paragraph: list[TimedSentence] = []
        for sentence in sentences:
            paragraph.append(sentence)
            if sentence.paragraph_end:
                yield paragraph
                paragraph = []
        if paragraph:
            yield paragraph


def _clock(milliseconds: int, mark: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{mark}{rest:03d}"


def _short_clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
