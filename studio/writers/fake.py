"""A writer for tests and trials: plain sentences about the prompt, from nothing, in no time."""

from __future__ import annotations

from core.chat import Check, Usage
from studio.writers.base import (
    CHARACTERS_PER_SECOND,
    Draft,
    DraftChapter,
    Material,
    Outline,
    PlanRequest,
    ScriptRequest,
    SeriesPlan,
    Turn,
    Written,
)

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
TURNS_PER_CHAPTER = 4
SENTENCES_PER_TURN = 2


class FakeWriter:
    """Says that it says something about the subject, as long as was asked for."""

    name = "fake"
    model = "fake-1"

    def require_enough(
        self, *, prompt: str, materials: tuple[Material, ...], episodes: int
    ) -> None:
        """Nothing is always enough."""

    def plan(self, request: PlanRequest, *, check: Check) -> SeriesPlan:
        """Number the episodes."""
        check()
        subject = _subject(request.prompt, request.materials)
        return SeriesPlan(
            title=request.title or f"All about {subject}",
            description=request.description or f"A series about {subject}.",
            outlines=tuple(
                Outline(
                    title=f"{subject}, part {_WORDS[number]}",
                    description=f"Part {_WORDS[number]} about {subject}.",
                    points=("what it is", "where it leads"),
                )
                for number in range(request.episodes)
            ),
            usage=Usage(100, 50),
        )

    def write(self, request: ScriptRequest, *, check: Check) -> Written:
        """About as many characters as the seconds need."""
        check()
        return self._written(request, request.seconds * CHARACTERS_PER_SECOND)

    def adjust(
        self, request: ScriptRequest, draft: Draft, *, measured_seconds: float, check: Check
    ) -> Written:
        """The same with more or fewer sentences."""
        check()
        return self._written(request, draft.characters * request.seconds / measured_seconds)

    def _written(self, request: ScriptRequest, characters: float) -> Written:
        subject = _subject(request.prompt, request.materials)
        outline = request.outline or Outline(title=f"About {subject}", description=subject)
        chapters: list[DraftChapter] = []
        turns: list[Turn] = []
        filled = number = 0
        while filled < characters:
            text = " ".join(
                f"This is a plain sentence about {subject}, and it is one of many that follow."
                for _ in range(SENTENCES_PER_TURN)
            )
            turns.append(Turn(host=request.speakers[number % len(request.speakers)].id, text=text))
            filled += len(text)
            number += 1
            if len(turns) == TURNS_PER_CHAPTER:
                chapters.append(_chapter(chapters, turns))
                turns = []
        if turns:
            chapters.append(_chapter(chapters, turns))
        draft = Draft(
            title=outline.title, description=outline.description, chapters=tuple(chapters)
        )
        return Written(draft, Usage(200, filled // 4))


def _chapter(before: list[DraftChapter], turns: list[Turn]) -> DraftChapter:
    return DraftChapter(title=f"Chapter {len(before) + 1}", turns=tuple(turns))


def _subject(prompt: str, materials: tuple[Material, ...]) -> str:
    text = prompt or (materials[0].title if materials else "") or "nothing"
    return " ".join(text.split())[:40].strip(" .,")
