"""Finds statements of a script that stand in no source: names, numbers, dates and quotations."""

# ruff: noqa: RUF001 - unusual characters are this module's subject

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.errors import Invalid
from production.sentences import split_sentences
from production.voices.base import primary_language
from studio.writers.base import Draft, DraftChapter, Material, Turn
from studio.writers.sentences import words_of

_NUMBER = re.compile(r"(?<![\w.,])\d[\d.,]*(?<![.,])")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_QUOTE = re.compile(r"[\"“„«]([^\"“”„«»]{8,400})[\"”“»]")
_NAME = re.compile(
    r"(?:[^\W\d_a-zß-ÿ][\w'’-]*)(?:\s+(?:of|de|von|van|der|du|la)?\s*[^\W\d_a-zß-ÿ][\w'’-]*)*"
)
_ADDRESS = re.compile(
    r"\b(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev)\b", re.IGNORECASE
)
_MONTHS = frozenset(
    "january february march april may june july august september october november december".split()  # noqa: SIM905 - twelve words read better as one string
)
#: Capital letters mean something else there, or nothing.
_EVERY_NOUN_IS_CAPITAL = frozenset({"de", "lb"})
_NO_CASE = frozenset({"zh", "ja", "ko", "th", "ar", "he", "hi"})
#: Stand at the beginning of many names, and of many sentences.
_COMMON = frozenset("i i'm i'll i've i'd ok mr mrs ms dr the a an and but so".split())  # noqa: SIM905 - the same
MAX_FINDINGS = 200
_LONGEST_SENTENCE = 500
#: A passage supports a turn when it has so much of the turn's words.
_SUPPORTS = 0.2
_MOST_PASSAGES = 4


class Ungrounded(Invalid):
    """A strict script has statements that stand in no source; `details` list them."""

    code = "ungrounded"


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything that may be said: words, numbers and the whole text, in lower case."""

    words: frozenset[str]
    numbers: frozenset[str]
    text: str


def find_ungrounded(
    draft: Draft, materials: Sequence[Material], *, allowed: Iterable[str], language: str
) -> list[dict[str, object]]:
    """Each statement once, with its kind, its sentence and its place; [] when all is grounded.

    `allowed` are other texts that facts may come from: the prompt, titles, the hosts' names.
    """
    known = _known([*(one.title for one in materials), *_texts(materials), *allowed])
    findings: list[dict[str, object]] = []
    seen: set[tuple[str, str]] = set()
    for chapter_number, chapter in enumerate(draft.chapters):
        for turn_number, turn in enumerate(chapter.turns):
            for sentence in split_sentences(turn.text, language):
                for kind, text in _statements(sentence, known, language):
                    if (kind, text.lower()) in seen or len(findings) >= MAX_FINDINGS:
                        continue
                    seen.add((kind, text.lower()))
                    findings.append(
                        {
                            "kind": kind,
                            "text": text,
                            "sentence": sentence[:_LONGEST_SENTENCE],
                            "chapter": chapter_number,
                            "segment": turn_number,
                        }
                    )
    return findings


def with_passages(draft: Draft, materials: Sequence[Material]) -> Draft:
    """The draft with passages for each turn that names none: those that share most of its words."""
    passages = [
        (passage.id, words_of(passage.text)) for one in materials for passage in one.passages
    ]
    return draft.model_copy(
        update={
            "chapters": tuple(
                DraftChapter(
                    title=chapter.title,
                    turns=tuple(_supported(turn, passages) for turn in chapter.turns),
                )
                for chapter in draft.chapters
            )
        }
    )


def _supported(turn: Turn, passages: Sequence[tuple[str, set[str]]]) -> Turn:
    words = words_of(turn.text)
    if turn.passages or not words:
        return turn
    shares = [(len(words & theirs) / len(words), name) for name, theirs in passages]
    best = sorted((pair for pair in shares if pair[0] >= _SUPPORTS), reverse=True)
    return turn.model_copy(
        update={"passages": tuple(name for _share, name in best[:_MOST_PASSAGES])}
    )


def _texts(materials: Sequence[Material]) -> Iterator[str]:
    for material in materials:
        for passage in material.passages:
            yield passage.heading
            yield passage.text


def _known(texts: Iterable[str]) -> _Known:
    text = "\n".join(" ".join(one.split()) for one in texts).lower().replace("’", "'")
    return _Known(
        words=frozenset(_bare(word) for word in _WORD.findall(text)),
        numbers=frozenset(_plain_number(number) for number in _NUMBER.findall(text)),
        text=text,
    )


def _statements(sentence: str, known: _Known, language: str) -> Iterator[tuple[str, str]]:
    for quote in _QUOTE.findall(sentence):
        if " ".join(quote.lower().replace("’", "'").split()).rstrip(".,!?") not in known.text:
            yield "quote", quote
    for address in _ADDRESS.findall(sentence):
        if address.lower().rstrip(".,)") not in known.text:
            yield "address", address
    words = {word.lower() for word in _WORD.findall(sentence)}
    for number in _NUMBER.findall(sentence):
        if _plain_number(number) not in known.numbers:
            yield "date" if words & _MONTHS or _is_year(number) else "number", number
    yield from _names(sentence, known, language)


def _names(sentence: str, known: _Known, language: str) -> Iterator[tuple[str, str]]:
    primary = primary_language(language)
    if primary in _NO_CASE:
        return
    for found in _NAME.finditer(sentence):
        words = found.group().split()
        # The first word of a sentence is written large whatever it is.
        if found.start() == _first_letter(sentence):
            words = words[1:]
        if primary in _EVERY_NOUN_IS_CAPITAL and len(words) < 2:  # noqa: PLR2004 - one noun is no name
            continue
        unknown = [
            word
            for word in words
            if word[0].isupper()
            and _bare(word.lower()) not in known.words | _COMMON
            and word.lower() not in _COMMON
        ]
        if unknown:
            yield ("date" if unknown[0].lower() in _MONTHS else "name"), " ".join(unknown)


def _first_letter(sentence: str) -> int:
    return next((place for place, letter in enumerate(sentence) if letter.isalpha()), 0)


def _bare(word: str) -> str:
    return word.replace("’", "'").removesuffix("'s").strip("'-")


def _plain_number(number: str) -> str:
    """Without separators of thousands: 24,000 and 24.000 are 24000."""
    return re.sub(r"[.,](?=\d{3}(?:\D|$))", "", number).rstrip(".,")


def _is_year(number: str) -> bool:
    return number.isdigit() and 1000 <= int(number) <= 2999  # noqa: PLR2004 - years as people write them
