"""Reads a script that was sent as plain text: speakers' names in brackets, chapters after a number sign."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.text import clean_line, clean_text
from production.script import ScriptInvalid
from studio.hosts import MAX_HOSTS
from studio.writers.base import Draft, DraftChapter, Turn

MAX_CHARACTERS = 75_000
MAX_CHAPTERS = 50
MAX_SEGMENTS = 600
MAX_SEGMENT_CHARACTERS = 5_000
MAX_NAME = 100
_SPEAKER = re.compile(r"\[([^\[\]\n]{1,200})\]:?\s*(.*)")
_CHAPTER = re.compile(r"#{1,6}\s+(.+)")


@dataclass(frozen=True, slots=True)
class ImportedScript:
    """Chapters of (title, turns), each turn (name, text); `names` in order of first use."""

    names: tuple[str, ...]
    chapters: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]

    def draft(self, host_by_name: Mapping[str, str], title: str) -> Draft:
        """The script with hosts for its names."""
        return Draft(
            title=title,
            description="",
            chapters=tuple(
                DraftChapter(
                    title=heading,
                    turns=tuple(Turn(host=host_by_name[name], text=text) for name, text in turns),
                )
                for heading, turns in self.chapters
            ),
        )


def parse_script(text: str) -> ImportedScript:
    """Read `[Name] what is said`, over any number of lines, and `# Chapter`.

    Raises `ScriptInvalid`, which names the line.
    """
    text = clean_text(text)
    if len(text) > MAX_CHARACTERS:
        raise _refusal(f"at most {MAX_CHARACTERS:,} characters")
    chapters: list[tuple[str, list[list[str]]]] = [("", [])]
    names: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if heading := _CHAPTER.fullmatch(stripped):
            chapters.append((clean_line(heading[1])[:300], []))
        elif spoken := _SPEAKER.fullmatch(stripped):
            name = clean_line(spoken[1])
            if not name or len(name) > MAX_NAME:
                raise _refusal(f"line {number}: a name has 1 to {MAX_NAME} characters")
            name = names.setdefault(name.casefold(), name)
            chapters[-1][1].append([name, spoken[2]])
        elif stripped and not chapters[-1][1]:
            raise _refusal(f"line {number}: begin with a speaker's name in brackets: [Ada] Hello.")
        elif chapters[-1][1]:
            chapters[-1][1][-1][1] += f"\n{stripped}"
    return _checked(chapters, tuple(names.values()))


def _checked(chapters: list[tuple[str, list[list[str]]]], names: tuple[str, ...]) -> ImportedScript:
    kept = tuple(
        (title, tuple((name, clean_text(text)) for name, text in turns if text.strip()))
        for title, turns in chapters
    )
    kept = tuple((title, turns) for title, turns in kept if turns)
    turns = [turn for _title, chapter in kept for turn in chapter]
    if not turns:
        raise _refusal("begin each turn with a speaker's name in brackets: [Ada] Hello.")
    if len(kept) > MAX_CHAPTERS or len(turns) > MAX_SEGMENTS:
        raise _refusal(f"at most {MAX_CHAPTERS} chapters and {MAX_SEGMENTS} turns")
    if len(names) > MAX_HOSTS:
        raise _refusal(f"at most {MAX_HOSTS} speakers; it has {len(names)}")
    if any(len(text) > MAX_SEGMENT_CHARACTERS for _name, text in turns):
        raise _refusal(f"a turn has at most {MAX_SEGMENT_CHARACTERS:,} characters")
    spoken = {name for name, _text in turns}
    return ImportedScript(tuple(name for name in names if name in spoken), kept)


def _refusal(reason: str) -> ScriptInvalid:
    return ScriptInvalid(f"script: {reason}.", field="script")
