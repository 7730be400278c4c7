"""What a writer is: the Protocol, the values that go in and out, and the ways it can refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from core.chat import Check, Usage
from core.errors import Unprocessable, Upstream

#: How fast the voices speak on average, before the real length is known.
CHARACTERS_PER_SECOND = 15.0


class WriterUseless(Upstream):
    """The writer answered, again and again, with what cannot be used."""

    code = "writer_useless"


class NothingToWriteFrom(Unprocessable):
    """This writer invents nothing, and was given nothing, or too little, to write from."""

    code = "nothing_to_write_from"


class LanguageUnwritten(Unprocessable):
    """The writer cannot write in the language that was asked for."""

    code = "language_unwritten"


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph of a source; `id` is "source.paragraph", such as "2.14"."""

    id: str
    text: str
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Material:
    """One source, in paragraphs; `source_id` is "" for a prompt that serves as one."""

    number: int
    source_id: str
    title: str
    url: str
    language: str
    passages: tuple[Passage, ...]

    @property
    def characters(self) -> int:
        """The length of all its passages."""
        return sum(len(passage.text) for passage in self.passages)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A host, as a writer needs to know it; `id` is its public id."""

    id: str
    name: str
    title: str = ""
    backstory: str = ""
    personality: str = ""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Outline(_Kept):
    """What one episode is to be about; `passages` are those that it is made from, () means all."""

    title: str
    description: str = ""
    points: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()


class Turn(_Kept):
    """What one host says without a pause, and the passages that it rests on."""

    host: str
    text: str
    passages: tuple[str, ...] = ()


class DraftChapter(_Kept):
    """A titled part of a script; "" for an opening."""

    title: str
    turns: tuple[Turn, ...]


class Draft(_Kept):
    """A written script, before it is made speakable."""

    title: str
    description: str
    chapters: tuple[DraftChapter, ...]

    @property
    def characters(self) -> int:
        """The length of all that is said."""
        return sum(len(turn.text) for chapter in self.chapters for turn in chapter.turns)


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a series is to be planned from; `title` and `description` are "" where none was given."""

    prompt: str
    materials: tuple[Material, ...]
    speakers: tuple[Speaker, ...]
    language: str
    episodes: int
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """A planned series: as many outlines as episodes were asked for."""

    title: str
    description: str
    outlines: tuple[Outline, ...]
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class ScriptRequest:
    """What a script is to be written from; `outline` is None when only a prompt was given."""

    prompt: str
    outline: Outline | None
    materials: tuple[Material, ...]
    speakers: tuple[Speaker, ...]
    language: str
    seconds: float
    podcast_title: str


@dataclass(frozen=True, slots=True)
class Written:
    """A draft, and what it has cost."""

    draft: Draft
    usage: Usage = field(default_factory=Usage)


class Writer(Protocol):
    """Plans series and writes scripts; used by several threads at a time."""

    @property
    def name(self) -> str:
        """The writer's name in settings, stored with what it wrote."""

    @property
    def model(self) -> str:
        """The name of its model, "" for a writer without one."""

    def require_enough(
        self, *, prompt: str, materials: tuple[Material, ...], episodes: int
    ) -> None:
        """Raise NothingToWriteFrom when it is certain that nothing can come of the request."""

    def plan(self, request: PlanRequest, *, check: Check) -> SeriesPlan:
        """Plan a series within seconds.

        Raises NothingToWriteFrom, LanguageUnwritten, WriterUnavailable, WriterUseless.
        """

    def write(self, request: ScriptRequest, *, check: Check) -> Written:
        """Write one script, as near to the length asked for as can be told beforehand.

        Raises NothingToWriteFrom, LanguageUnwritten, WriterUnavailable, WriterUseless.
        """

    def adjust(
        self, request: ScriptRequest, draft: Draft, *, measured_seconds: float, check: Check
    ) -> Written:
        """The script again, at the length asked for, now that its spoken length is known."""
