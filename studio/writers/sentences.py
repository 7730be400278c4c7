"""Chooses the sentences that say most of a text, in their own order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from production.sentences import split_sentences
from studio.writers.base import Passage

_WORD = re.compile(r"[^\W\d_]{4,}")
#: Shorter ones are mostly what is left of headings and captions.
SHORTEST = 20
_FIRST_COUNTS = 1.6


@dataclass(frozen=True, slots=True)
class SourceSentence:
    """A sentence with the passage that it stands in."""

    text: str
    passage: Passage
    is_first: bool


def sentences_of(passages: Sequence[Passage], language: str) -> list[SourceSentence]:
    """All sentences of the passages, in order."""
    return [
        SourceSentence(" ".join(text.split()), passage, is_first=position == 0)
        for passage in passages
        for position, text in enumerate(split_sentences(passage.text, language))
        if any(map(str.isalnum, text))
    ]


def best_sentences(sentences: Sequence[SourceSentence], characters: float) -> list[SourceSentence]:
    """As many as fill `characters`, chosen by the words that the text comes back to.

    All of them when they fit; never none. The first of a paragraph counts more: it carries the rest.
    """
    total = sum(len(sentence.text) for sentence in sentences)
    if total <= characters:
        return list(sentences)
    counts = Counter(word for one in sentences for word in words_of(one.text))
    ranked = sorted(
        range(len(sentences)), key=lambda index: (-_weight(sentences[index], counts), index)
    )
    chosen: set[int] = set()
    filled = 0
    for index in ranked:
        length = len(sentences[index].text)
        # One too many is nearer to the length than one too few when half of it fits.
        if filled + length / 2 <= characters:
            chosen.add(index)
            filled += length
    return [sentences[index] for index in sorted(chosen or {ranked[0]})]


def words_of(text: str) -> set[str]:
    """The words of a text that mean something: of four letters or more, in lower case."""
    return {word.lower() for word in _WORD.findall(text)}


def _weight(sentence: SourceSentence, counts: Counter[str]) -> float:
    words = words_of(sentence.text)
    if len(sentence.text) < SHORTEST or not words:
        return 0.0
    weight = sum(counts[word] for word in words) / (len(words) + 3)
    return weight * (_FIRST_COUNTS if sentence.is_first else 1.0)
