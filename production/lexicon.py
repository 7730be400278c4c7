"""How words are spoken that a voice would get wrong: respelled, or in the voice's own phonemes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from production.voices.base import phonemes_for

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
#: Stands for a word with phonemes while the rules for numbers, units and the like do their work.
_MARK = "Zqj"


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """A word or phrase, and how to say it: `phonemes` (IPA) if there are any, else `respelling`."""

    word: str
    respelling: str = ""
    phonemes: str = ""


class Lexicon:
    """Words with their pronunciations; the later of two for one word wins.

    A word in lower case stands for itself in any case; one with a capital only as it is written.
    """

    def __init__(self, entries: Iterable[Pronunciation] = ()) -> None:
        self._entries = tuple(entries)
        self._exact: dict[str, Pronunciation] = {}
        self._any_case: dict[str, Pronunciation] = {}
        for entry in self._entries:
            is_lower = entry.word == entry.word.lower()
            (self._any_case if is_lower else self._exact)[entry.word] = entry
        words = sorted({*self._exact, *self._any_case}, key=len, reverse=True)
        # Whole words only: no letter or digit may touch them.
        joined = "|".join(re.escape(word) for word in words)
        self._words = re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.IGNORECASE) if words else None

    def __iter__(self) -> Iterator[Pronunciation]:
        return iter(self._entries)

    def speak(self, shown: str, say: Callable[[str], str]) -> str:
        """The spoken form of `shown`, which `say` gives for all that is not in here."""
        if self._words is None:
            return say(shown)
        held: list[tuple[str, Pronunciation]] = []

        def replace(match: re.Match[str]) -> str:
            entry = self._exact.get(match[0]) or self._any_case.get(match[0].lower())
            if entry is None:
                return match[0]
            if not entry.phonemes:
                return entry.respelling
            held.append((_mark(len(held)), entry))
            return held[-1][0]

        spoken = say(self._words.sub(replace, shown))
        # The last mark first: the first one's letters may begin another's.
        for mark, entry in reversed(held):
            spoken = spoken.replace(
                mark, phonemes_for(entry.respelling or entry.word, entry.phonemes)
            )
        return spoken


EMPTY_LEXICON = Lexicon()


def _mark(number: int) -> str:
    letters = ""
    while True:
        number, rest = divmod(number, len(_LETTERS))
        letters = _LETTERS[rest] + letters
        if not number:
            return f"{_MARK}{letters}{_MARK.lower()}"
