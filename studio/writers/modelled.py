"""The writer with a language model: plans and writes by chapters, checks and repairs what it gets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from core.chat import CHARACTERS_PER_TOKEN, Chat, Check, Completion, Message, Usage
from core.text import clean_line
from narration.languages import language_of
from production.sentences import split_sentences
from production.voices.base import primary_language
from studio.writers.base import (
    CHARACTERS_PER_SECOND,
    Draft,
    DraftChapter,
    Material,
    Outline,
    Passage,
    PlanRequest,
    ScriptRequest,
    SeriesPlan,
    Turn,
    WriterUseless,
    Written,
)
from studio.writers.lengths import shortened_draft
from studio.writers.prompts import chapter_messages, plan_messages, repair_messages
from studio.writers.sentences import SHORTEST, words_of

#: How often an answer that cannot be used is sent back.
REPAIRS = 2
#: A chapter is asked for at a time: longer answers lose their thread, and their JSON.
CHAPTER_CHARACTERS = 2_400
MAX_CHAPTERS = 12
MAX_TURNS = 24
MAX_TURN_CHARACTERS = 3_000
#: A turn is asked for in so many characters at most.
LONG_TURN = 400
#: How often a chapter that is too short is asked to go on, and what of its length is enough.
CONTINUATIONS = 2
ENOUGH = 0.85
#: What a plan needs: a beginning, and each of its episodes.
PLAN_TOKENS, EPISODE_TOKENS = 200, 250
#: Text of so many characters says surely enough which language it is in.
_TELLING = 200
_BEFORE = 400
#: Within it a script needs no change.
NEAR_ENOUGH = 0.15
_DIRECTIONS = re.compile(
    r"\[[^\]]{0,80}\]|\([^)a-z]{0,3}(?:laughs|music|pause|sighs)[^)]{0,40}\)|[*_#`]+"
)

_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)]
_Answered = TypeVar("_Answered", bound=BaseModel)


class _PlannedEpisode(BaseModel):
    title: _Line
    description: _Text = ""
    points: list[_Text] = Field(default_factory=list, max_length=12)


class _Plan(BaseModel):
    title: _Line
    description: _Text = ""
    episodes: list[_PlannedEpisode]


class _SpokenTurn(BaseModel):
    host: str
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    passages: list[str] = Field(default_factory=list)


class _Chapter(BaseModel):
    title: _Line
    turns: list[_SpokenTurn] = Field(min_length=1)


class _Unusable(Exception):
    """What is wrong with an answer, in words that the model can use."""


class ModelWriter:
    """Any writer with a model behind it; `name` says which kind."""

    def __init__(self, name: str, chat: Chat) -> None:
        self.name = name
        self._chat = chat

    @property
    def model(self) -> str:
        """The model's name."""
        return self._chat.model

    def require_enough(
        self, *, prompt: str, materials: tuple[Material, ...], episodes: int
    ) -> None:
        """A model can write from a prompt alone."""

    def plan(self, request: PlanRequest, *, check: Check) -> SeriesPlan:
        """One question; exactly as many episodes as were asked for."""
        max_tokens = PLAN_TOKENS + request.episodes * EPISODE_TOKENS
        room = self._source_characters(max_tokens)
        passages = _relevant(request.materials, request.prompt, characters=room)
        messages = plan_messages(request, passages)

        def read(answer: Completion) -> _Plan:
            plan = _parsed(_Plan, answer)
            if len(plan.episodes) < request.episodes:
                raise _Unusable(f"episodes: give exactly {request.episodes}")
            _require_language(
                " ".join(f"{one.title}. {one.description}" for one in plan.episodes),
                request.language,
            )
            return plan

        plan, usage = self._ask(
            messages, _plan_schema(request.episodes), max_tokens, read, check=check
        )
        return SeriesPlan(
            title=request.title or clean_line(plan.title),
            description=request.description or clean_line(plan.description),
            outlines=tuple(
                Outline(
                    title=_spoken(episode.title),
                    description=_spoken(episode.description),
                    points=tuple(_spoken(point) for point in episode.points if point),
                )
                for episode in plan.episodes[: request.episodes]
            ),
            usage=usage,
        )

    def write(self, request: ScriptRequest, *, check: Check) -> Written:
        """Chapter by chapter, each with the passages that belong to it."""
        usage = Usage()
        outline = request.outline
        if outline is None:
            plan = self.plan(
                PlanRequest(
                    prompt=request.prompt,
                    materials=request.materials,
                    speakers=request.speakers,
                    language=request.language,
                    episodes=1,
                ),
                check=check,
            )
            outline, usage = plan.outlines[0], plan.usage
        asked = ScriptRequest(
            prompt=request.prompt,
            outline=outline,
            materials=request.materials,
            speakers=request.speakers,
            language=request.language,
            seconds=request.seconds,
            podcast_title=request.podcast_title,
        )
        characters = request.seconds * CHARACTERS_PER_SECOND
        parts = _parts(outline.points, characters)
        chapters: list[DraftChapter] = []
        share = int(characters / len(parts))
        for number, points in enumerate(parts, 1):
            place = f"part {number} of {len(parts)}"
            chapter, cost = self._chapter(
                asked, points, place, chapters, characters=share, check=check
            )
            usage += cost
            chapters.append(chapter)
            usage += self._go_on(asked, chapters, characters=share, check=check)
        return Written(
            Draft(title=outline.title, description=outline.description, chapters=tuple(chapters)),
            usage,
        )

    def adjust(
        self, request: ScriptRequest, draft: Draft, *, measured_seconds: float, check: Check
    ) -> Written:
        """Cut what is too long, go on where it is too short."""
        wanted = int(draft.characters * request.seconds / measured_seconds)
        if wanted <= draft.characters:
            return Written(shortened_draft(draft, wanted, language=request.language))
        chapters: list[DraftChapter] = []
        usage = Usage()
        share = -(-(wanted - draft.characters) // len(draft.chapters))
        for chapter in draft.chapters:
            chapters.append(chapter)
            characters = _length(chapter) + share
            usage += self._go_on(request, chapters, characters=characters, check=check)
        longer = Draft(title=draft.title, description=draft.description, chapters=tuple(chapters))
        return Written(shortened_draft(longer, wanted, language=request.language), usage)

    def _go_on(
        self,
        request: ScriptRequest,
        chapters: list[DraftChapter],
        *,
        characters: int,
        check: Check,
    ) -> Usage:
        """Have the last chapter continued until it has about `characters`, or nothing more comes."""
        usage = Usage()
        place = f"a continuation of part {len(chapters)}"
        for _attempt in range(CONTINUATIONS):
            chapter = chapters[-1]
            missing = characters - _length(chapter)
            if missing <= (1 - ENOUGH) * characters:
                break
            try:
                more, cost = self._chapter(
                    request, [chapter.title], place, chapters, characters=missing, check=check
                )
            except WriterUseless:
                # What there is can be used; the rest is found in the sources.
                break
            usage += cost
            chapters[-1] = DraftChapter(title=chapter.title, turns=(*chapter.turns, *more.turns))
        return usage

    def _chapter(
        self,
        request: ScriptRequest,
        points: Sequence[str],
        place: str,
        before: Sequence[DraftChapter],
        *,
        characters: int,
        check: Check,
    ) -> tuple[DraftChapter, Usage]:
        max_tokens = min(
            int(characters / CHARACTERS_PER_TOKEN * 1.5) + 200, self._chat.context_tokens() // 2
        )
        about = " ".join([*points, request.outline.title if request.outline else request.prompt])
        told = [turn for chapter in before for turn in chapter.turns]
        passages = _relevant(
            _unused(request.materials, told),
            about,
            characters=self._source_characters(max_tokens),
        )
        said = " ".join(turn.text for chapter in before[-1:] for turn in chapter.turns)
        messages = chapter_messages(
            request,
            points=points,
            place=place,
            before=said[-_BEFORE:],
            characters=characters,
            passages=passages,
        )
        hosts = {f"host_{number}": one.id for number, one in enumerate(request.speakers, 1)}
        known = {passage.id for passage in passages}

        def read(answer: Completion) -> DraftChapter:
            chapter = _parsed(_Chapter, answer)
            spoken = [_turn(turn, hosts, known) for turn in chapter.turns]
            found = [turn for turn in spoken if turn is not None]
            _require_language(" ".join(turn.text for turn in found), request.language)
            turns = _without_repetitions(found, told, request.language)
            if not turns:
                raise _Unusable("turns: nobody says anything new")
            return DraftChapter(title=_spoken(chapter.title), turns=tuple(turns))

        schema = _chapter_schema(list(hosts), sorted(known), characters)
        return self._ask(messages, schema, max_tokens, read, check=check)

    def _ask(
        self,
        messages: list[Message],
        schema: dict[str, Any],
        max_tokens: int,
        read: Any,
        *,
        check: Check,
    ) -> tuple[Any, Usage]:
        """Ask until the answer can be used, at most 1 + REPAIRS times. Raises WriterUseless."""
        usage = Usage()
        conversation = messages
        problem = ""
        for _attempt in range(1 + REPAIRS):
            check()
            answer = self._chat.complete(
                conversation, schema=schema, max_tokens=max_tokens, check=check
            )
            usage += answer.usage
            try:
                return read(answer), usage
            except _Unusable as error:
                problem = str(error)
                conversation = [*messages, *repair_messages(answer.text[:4_000], problem)]
        raise WriterUseless(f"The model gave no usable answer: {problem}.")

    def _source_characters(self, answer_tokens: int) -> int:
        """What is left of the context for sources, beside the rules and the answer."""
        tokens = self._chat.context_tokens() - answer_tokens - 1_500
        return int(max(tokens, 300) * CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class _Ranked:
    weight: float
    place: int
    passage: Passage


def _relevant(materials: Sequence[Material], about: str, *, characters: int) -> list[Passage]:
    """The passages that have most to do with a subject, in their order, as many as fit."""
    passages = [passage for material in materials for passage in material.passages]
    if sum(len(passage.text) for passage in passages) <= characters:
        return passages
    wanted = words_of(about)
    ranked = sorted(
        (
            _Ranked(
                len(words_of(f"{passage.heading} {passage.text}") & wanted)
                / (1 + len(passage.text) ** 0.5),
                place,
                passage,
            )
            for place, passage in enumerate(passages)
        ),
        key=lambda one: (-one.weight, one.place),
    )
    chosen: list[_Ranked] = []
    filled = 0
    for one in ranked:
        if filled + len(one.passage.text) <= characters:
            chosen.append(one)
            filled += len(one.passage.text)
    return [one.passage for one in sorted(chosen, key=lambda one: one.place)]


def _length(chapter: DraftChapter) -> int:
    return sum(len(turn.text) for turn in chapter.turns)


def _unused(materials: Sequence[Material], told: Sequence[Turn]) -> Sequence[Material]:
    """The materials without what was told of; all of them when nothing else is left."""
    names = {name for turn in told for name in turn.passages}
    left = [
        replace(
            material,
            passages=tuple(one for one in material.passages if one.id not in names),
        )
        for material in materials
    ]
    return left if any(material.passages for material in left) else materials


def _without_repetitions(turns: Sequence[Turn], told: Sequence[Turn], language: str) -> list[Turn]:
    """Small models go round in circles: a sentence is said once."""
    seen = {
        sentence.casefold() for turn in told for sentence in split_sentences(turn.text, language)
    }
    kept: list[Turn] = []
    for turn in turns:
        new: list[str] = []
        for sentence in split_sentences(turn.text, language):
            if sentence.casefold() not in seen or len(sentence) < SHORTEST:
                seen.add(sentence.casefold())
                new.append(sentence)
        if any(len(sentence) >= SHORTEST for sentence in new) or new == [turn.text]:
            kept.append(turn.model_copy(update={"text": " ".join(new)}))
    return kept


def _parts(points: Sequence[str], characters: float) -> list[list[str]]:
    """The points dealt out to chapters of a length that a model can keep up."""
    count = min(MAX_CHAPTERS, max(1, round(characters / CHAPTER_CHARACTERS)))
    if not points:
        return [[] for _ in range(count)]
    return [
        list(points[len(points) * n // count : len(points) * (n + 1) // count])
        for n in range(count)
    ]


def _parsed(shape: type[_Answered], answer: Completion) -> _Answered:
    """The answer as a value; of one that was cut off, what is whole."""
    text = _json_part(answer.text)
    try:
        found = from_json(text, allow_partial=answer.is_cut)
    except ValueError as error:
        raise _Unusable(f"it is not JSON ({error})") from None
    if answer.is_cut:
        _drop_last(found)
    try:
        return shape.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _Unusable(f"{place}: {first['msg']}") from None


def _json_part(text: str) -> str:
    """Without a fence or words around the object, which some models add."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0:
        return text
    return text[start : end + 1] if text.rstrip().endswith("```") and end > start else text[start:]


def _drop_last(found: object) -> None:
    """Take away the last item of each list at the top, which may be cut; of one only, its last words."""
    for value in found.values() if isinstance(found, dict) else ():
        if isinstance(value, list) and len(value) > 1:
            value.pop()
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            text = str(value[0].get("text", ""))
            end = max(text.rfind(mark) for mark in ".!?")
            value[0]["text"] = text[: end + 1] or text


def _turn(turn: _SpokenTurn, hosts: dict[str, str], known: set[str]) -> Turn | None:
    host = hosts.get(turn.host)
    if host is None:
        raise _Unusable(f"turns.host: must be one of {', '.join(hosts)}")
    text = _spoken(turn.text)[:MAX_TURN_CHARACTERS]
    if not any(map(str.isalnum, text)):
        return None
    return Turn(host=host, text=text, passages=tuple(one for one in turn.passages if one in known))


def _spoken(text: str) -> str:
    """Text without marks and stage directions, on one line."""
    return clean_line(_DIRECTIONS.sub(" ", text)) or clean_line(text)


def _require_language(text: str, language: str) -> None:
    if len(text) < _TELLING:
        return
    found = primary_language(language_of(text, default=language))
    if found != primary_language(language):
        raise _Unusable(f'it is in "{found}"; write in "{primary_language(language)}"')


def _plan_schema(episodes: int) -> dict[str, Any]:
    episode = _object(
        {
            "title": {"type": "string"},
            "description": {"type": "string"},
            "points": {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 6},
        }
    )
    return _object(
        {
            "title": {"type": "string"},
            "description": {"type": "string"},
            "episodes": {
                "type": "array",
                "items": episode,
                "minItems": episodes,
                "maxItems": episodes,
            },
        }
    )


def _chapter_schema(hosts: list[str], passages: list[str], characters: int) -> dict[str, Any]:
    """A server that keeps to it gives neither a few words nor turns without end."""
    fewest = min(MAX_TURNS // 2, max(1, characters // LONG_TURN))
    ids: dict[str, Any] = {"type": "string"}
    if passages:
        ids["enum"] = passages[:200]
    turn = _object(
        {
            "host": {"type": "string", "enum": hosts},
            "text": {"type": "string"},
            "passages": {"type": "array", "items": ids, "maxItems": 6 if passages else 0},
        }
    )
    return _object(
        {
            "title": {"type": "string"},
            "turns": {"type": "array", "items": turn, "minItems": fewest, "maxItems": MAX_TURNS},
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
