"""Makes a script shorter by leaving out sentences, evenly over its chapters."""

from __future__ import annotations

from production.sentences import split_sentences
from studio.writers.base import Draft, DraftChapter, Turn


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
