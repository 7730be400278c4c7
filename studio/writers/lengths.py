"""Makes a script shorter or longer without a model: sentences go, or come from unused passages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from production.sentences import split_sentences
from production.voices.base import primary_language
from studio.writers.base import Draft, DraftChapter, Passage, ScriptRequest, Speaker, Turn
from studio.writers.sentences import SHORTEST, SourceSentence, best_sentences, sentences_of


def refitted_draft(request: ScriptRequest, draft: Draft, *, measured_seconds: float) -> Draft:
    """The draft at the length asked for, now that its spoken length is known.

    It is the same draft when nothing can be left out, or no source has anything to add.
    """
    wanted = int(draft.characters * request.seconds / measured_seconds)
    if wanted < draft.characters:
        return shortened_draft(draft, wanted, language=request.language)
    return extended_draft(request, draft, wanted - draft.characters)


def extended_draft(request: ScriptRequest, draft: Draft, characters: int) -> Draft:
    """The draft with about `characters` more: sentences of passages that nobody has spoken of yet.

    They are read as they stand, in the chapter that tells of their source, else in the last one.
    """
    chapters = list(draft.chapters)
    chosen = best_sentences(_unspoken(request, draft), characters) if characters > 0 else []
    for passage, group in groupby(chosen, key=lambda one: one.passage):
        place = _place(chapters, passage)
        chapter = chapters[place]
        last = chapter.turns[-1].host if chapter.turns else ""
        turn = Turn(
            host=_next(request.speakers, last),
            text=" ".join(sentence.text for sentence in group),
            passages=(passage.id,),
        )
        chapters[place] = DraftChapter(title=chapter.title, turns=(*chapter.turns, turn))
    return Draft(title=draft.title, description=draft.description, chapters=tuple(chapters))


def shortened_draft(draft: Draft, characters: int, *, language: str) -> Draft:
    """The draft at `characters` at most, give or take half a sentence; its order stays.

    From the end of each turn sentences go, of the longest turns first; a turn keeps its first
    sentence, so that everybody still answers, until only such are left. Then turns go, from the
    end of the longest chapters.
    """
    turns = [
        [split_sentences(turn.text, language) or [turn.text] for turn in chapter.turns]
        for chapter in draft.chapters
    ]
    surplus = draft.characters - characters
    while surplus > 0:
        taken = _take_sentence(turns) or _take_turn(turns)
        if taken is None or taken > 2 * surplus:
            break
        surplus -= taken
    return Draft(
        title=draft.title,
        description=draft.description,
        chapters=tuple(
            DraftChapter(
                title=chapter.title,
                turns=tuple(
                    Turn(host=turn.host, text=" ".join(left), passages=turn.passages)
                    for turn, left in zip(chapter.turns, kept, strict=False)
                    if left
                ),
            )
            for chapter, kept in zip(draft.chapters, turns, strict=True)
        ),
    )


def _take_sentence(turns: list[list[list[str]]]) -> int | None:
    longest = max(
        (turn for chapter in turns for turn in chapter if len(turn) > 1),
        key=lambda turn: sum(map(len, turn)),
        default=None,
    )
    return None if longest is None else len(longest.pop()) + 1


def _take_turn(turns: list[list[list[str]]]) -> int | None:
    longest = max((chapter for chapter in turns if len(chapter) > 1), key=len, default=None)
    return None if longest is None else sum(map(len, longest.pop()))


def _unspoken(request: ScriptRequest, draft: Draft) -> list[SourceSentence]:
    """What the sources have left to say in the script's language: nothing of passages that were used."""
    turns = [turn for chapter in draft.chapters for turn in chapter.turns]
    rested_on = {name for turn in turns for name in turn.passages}
    said = " ".join(turn.text for turn in turns)
    planned = set(request.outline.passages) if request.outline else set()
    language = primary_language(request.language)
    free = [
        passage
        for material in request.materials
        if not material.language or primary_language(material.language) == language
        for passage in material.passages
        if passage.id not in rested_on and (not planned or passage.id in planned)
    ]
    return [
        sentence
        for sentence in sentences_of(free, request.language)
        if len(sentence.text) >= SHORTEST and sentence.text not in said
    ]


def _place(chapters: Sequence[DraftChapter], passage: Passage) -> int:
    source = passage.id.partition(".")[0]
    telling = [
        number
        for number, chapter in enumerate(chapters)
        for turn in chapter.turns
        if any(name.partition(".")[0] == source for name in turn.passages)
    ]
    return telling[-1] if telling else len(chapters) - 1


def _next(speakers: Sequence[Speaker], last: str) -> str:
    ids = [speaker.id for speaker in speakers]
    return ids[(ids.index(last) + 1) % len(ids)] if last in ids else ids[0]
