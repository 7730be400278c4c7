"""The writer without a model: a dialogue of the sources' own sentences, and never a fact of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from core.chat import Check
from production.voices.base import primary_language
from studio.writers.base import (
    CHARACTERS_PER_SECOND,
    Draft,
    DraftChapter,
    LanguageUnwritten,
    Material,
    NothingToWriteFrom,
    Outline,
    Passage,
    PlanRequest,
    ScriptRequest,
    SeriesPlan,
    Speaker,
    Turn,
    Written,
)
from studio.writers.sentences import best_sentences, sentences_of

#: One host reads so much of a text at a time before another goes on.
TURN_CHARACTERS = 700
#: An episode of less is none.
MIN_CHARACTERS = 200
_DESCRIPTION = 300
_TITLE = 120

NEEDS_MODEL = (
    "The built-in writer invents nothing: it makes a dialogue of sources. Send source_ids or a prompt "
    "of at least 300 characters, or have the operator configure a model: WRITER=openai with "
    "LLM_BASE_URL and LLM_MODEL (any OpenAI-compatible server), or WRITER=gguf with LLM_MODEL_PATH "
    "(a model file on this machine)."
)
#: What is said around the sources, by language; nothing in it is a fact about their subject.
_WELCOME = {
    "en": ("Welcome to {podcast}.", "I am {name}.", "And I am {name}."),
    "de": ("Willkommen bei {podcast}.", "Ich bin {name}.", "Und ich bin {name}."),
}


@dataclass(frozen=True, slots=True)
class _Section:
    """Consecutive paragraphs of one source under one heading, as much as one host reads."""

    material: Material
    heading: str
    passages: tuple[Passage, ...]

    @property
    def characters(self) -> int:
        return sum(len(passage.text) for passage in self.passages)


class ExtractiveWriter:
    """Parts the sources into sections and has the hosts read them in turns."""

    name = "extractive"
    model = ""

    def require_enough(
        self, *, prompt: str, materials: tuple[Material, ...], episodes: int
    ) -> None:
        """A bare short prompt is nothing to write from."""
        if not materials:
            raise NothingToWriteFrom(NEEDS_MODEL)
        sections = _sections(materials)
        if len(sections) < episodes or _length(sections) < episodes * MIN_CHARACTERS:
            most = min(len(sections), _length(sections) // MIN_CHARACTERS)
            raise NothingToWriteFrom(
                f"There is too little in the sources for {episodes} episodes; ask for {most} at most."
                if most
                else f"There are fewer than {MIN_CHARACTERS} characters of text in the sources."
            )

    def plan(self, request: PlanRequest, *, check: Check) -> SeriesPlan:
        """Deal the sections out in order, to episodes of about the same length."""
        self.require_enough(
            prompt=request.prompt, materials=request.materials, episodes=request.episodes
        )
        _require_language(request.materials, request.language)
        parts = _parted(_sections(request.materials), request.episodes)
        outlines = tuple(_outline(part, request.language) for part in parts)
        return SeriesPlan(
            title=request.title or _joint_title(request.materials),
            description=request.description or outlines[0].description,
            outlines=outlines,
        )

    def write(self, request: ScriptRequest, *, check: Check) -> Written:
        """The sections of the outline, cut to the length asked for."""
        return self._written(request, request.seconds * CHARACTERS_PER_SECOND)

    def adjust(
        self, request: ScriptRequest, draft: Draft, *, measured_seconds: float, check: Check
    ) -> Written:
        """More or fewer sentences; never more than there are."""
        return self._written(request, draft.characters * request.seconds / measured_seconds)

    def _written(self, request: ScriptRequest, characters: float) -> Written:
        self.require_enough(prompt=request.prompt, materials=request.materials, episodes=1)
        _require_language(request.materials, request.language)
        sections = _sections(_outlined(request.materials, request.outline))
        outline = request.outline or _outline(sections, request.language)
        welcome = _welcome(request, outline.title)
        kept = _cut(sections, characters - sum(len(turn.text) for turn in welcome), request)
        return Written(
            Draft(
                title=outline.title,
                description=outline.description,
                chapters=(
                    DraftChapter(title="", turns=welcome),
                    *_chapters(sections, kept, request.speakers, first=len(welcome)),
                ),
            )
        )


def _outlined(materials: tuple[Material, ...], outline: Outline | None) -> tuple[Material, ...]:
    if outline is None or not outline.passages:
        return materials
    wanted = set(outline.passages)
    return tuple(
        Material(
            number=material.number,
            source_id=material.source_id,
            title=material.title,
            url=material.url,
            language=material.language,
            passages=tuple(one for one in material.passages if one.id in wanted),
        )
        for material in materials
    )


def _sections(materials: Sequence[Material]) -> list[_Section]:
    sections: list[_Section] = []
    for material in materials:
        # Mere marks and pictures cannot be said.
        worded = [passage for passage in material.passages if any(map(str.isalnum, passage.text))]
        for heading, group in groupby(worded, key=lambda passage: passage.heading):
            gathered: list[Passage] = []
            for passage in group:
                if gathered and sum(len(one.text) for one in gathered) >= TURN_CHARACTERS:
                    sections.append(_Section(material, heading, tuple(gathered)))
                    gathered = []
                gathered.append(passage)
            if gathered:
                sections.append(_Section(material, heading, tuple(gathered)))
    return sections


def _length(sections: Sequence[_Section]) -> int:
    return sum(section.characters for section in sections)


def _parted(sections: list[_Section], parts: int) -> list[list[_Section]]:
    """Consecutive parts of about equal length, none empty."""
    dealt: list[list[_Section]] = [[]]
    total, done = _length(sections), 0
    for index, section in enumerate(sections):
        left, missing = len(sections) - index, parts - len(dealt)
        share = total * len(dealt) / parts
        is_full = dealt[-1] and done + section.characters / 2 > share
        if missing and (left <= missing or is_full):
            dealt.append([])
        dealt[-1].append(section)
        done += section.characters
    return dealt


def _outline(sections: Sequence[_Section], language: str) -> Outline:
    passages = [passage for section in sections for passage in section.passages]
    first = sentences_of(passages[:3], language)
    materials = list(dict.fromkeys(section.material.number for section in sections))
    whole = len(materials) == 1 and _length(sections) == sections[0].material.characters
    title = sections[0].material.title if whole else sections[0].heading
    return Outline(
        title=_shortened(title or sections[0].material.title or first[0].text, _TITLE),
        description=_shortened(" ".join(sentence.text for sentence in first[:2]), _DESCRIPTION),
        points=tuple(dict.fromkeys(section.heading for section in sections if section.heading)),
        passages=tuple(passage.id for passage in passages),
    )


def _joint_title(materials: Sequence[Material]) -> str:
    titles = [material.title for material in materials if material.title]
    if not titles:
        return _shortened(materials[0].passages[0].text, _TITLE)
    return _shortened(titles[0] if len(titles) == 1 else f"{titles[0]} / {titles[1]}", _TITLE)


def _shortened(text: str, limit: int) -> str:
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    return line[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:.") + "…"


def _require_language(materials: Sequence[Material], language: str) -> None:
    """Sentences are taken as they are, so the sources decide the language."""
    wanted = primary_language(language)
    others = {
        primary_language(material.language) for material in materials if material.language
    } - {wanted}
    if others:
        raise LanguageUnwritten(
            f"language: the sources are in {', '.join(sorted(others))}, and the built-in writer does "
            f"not translate into {wanted}. Ask for their language, or configure a model (WRITER)."
        )


def _welcome(request: ScriptRequest, title: str) -> tuple[Turn, ...]:
    words = _WELCOME.get(primary_language(request.language))
    first = request.speakers[0]
    if words is None:
        return (Turn(host=first.id, text=_closed(title)),)
    greeting, i_am, and_i_am = words
    opening = f"{greeting.format(podcast=request.podcast_title)} {i_am.format(name=first.name)}"
    turns = [Turn(host=first.id, text=opening)]
    turns += [
        Turn(host=speaker.id, text=and_i_am.format(name=speaker.name))
        for speaker in request.speakers[1:]
    ]
    if _same(title, request.podcast_title):
        return tuple(turns)
    return (*turns, Turn(host=first.id, text=_closed(title)))


def _same(one: str, other: str) -> bool:
    return one.casefold().strip() == other.casefold().strip()


def _closed(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _cut(
    sections: Sequence[_Section], characters: float, request: ScriptRequest
) -> dict[str, list[str]]:
    """The sentences that are read, by the id of their passage."""
    passages = [passage for section in sections for passage in section.passages]
    kept: dict[str, list[str]] = {}
    for sentence in best_sentences(sentences_of(passages, request.language), max(characters, 1.0)):
        kept.setdefault(sentence.passage.id, []).append(sentence.text)
    return kept


def _chapters(
    sections: Sequence[_Section],
    kept: dict[str, list[str]],
    speakers: Sequence[Speaker],
    *,
    first: int,
) -> list[DraftChapter]:
    """A chapter for each source, or for each heading where there is one source only."""
    several = len({section.material.number for section in sections}) > 1
    chapters: list[DraftChapter] = []
    turn_number = first
    for title, group in groupby(sections, key=lambda one: _chapter_title(one, several)):
        turns: list[Turn] = []
        for section in group:
            said = [text for passage in section.passages for text in kept.get(passage.id, [])]
            if not said:
                continue
            heading = section.heading if turns else title
            is_new = heading and (not turns or heading != title)
            text = " ".join([_closed(heading), *said] if is_new else said)
            turns.append(
                Turn(
                    host=speakers[turn_number % len(speakers)].id,
                    text=text,
                    passages=tuple(one.id for one in section.passages if one.id in kept),
                )
            )
            turn_number += 1
        if turns:
            chapters.append(DraftChapter(title=title, turns=tuple(turns)))
    return chapters


def _chapter_title(section: _Section, several: bool) -> str:
    return section.material.title if several else section.heading
