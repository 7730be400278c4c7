"""Chapters of a finished timeline: Podcasting 2.0 JSON, and what feeds and tags show."""

from __future__ import annotations

import json

from production.timeline import TimedChapter, Timeline

JSON_CHAPTERS_VERSION = "1.2.0"


def visible_chapters(timeline: Timeline) -> tuple[TimedChapter, ...]:
    """Return the titled chapters; none when there is only one, which would say nothing."""
    titled = tuple(chapter for chapter in timeline.chapters if chapter.title.strip())
    return titled if len(titled) > 1 else ()


def to_json_chapters(timeline: Timeline) -> bytes:
    """Return the visible chapters as a Podcasting 2.0 JSON chapters document, times in seconds."""
    chapters = [
        {"startTime": round(chapter.start, 3), "title": chapter.title}
        for chapter in visible_chapters(timeline)
    ]
    document = {"version": JSON_CHAPTERS_VERSION, "chapters": chapters}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def normal_play_time(seconds: float) -> str:
    """Format seconds as Podlove Simple Chapters want it: "01:02:03.450"."""
    milliseconds = max(0, round(seconds * 1000))
    whole, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}.{rest:03d}"
