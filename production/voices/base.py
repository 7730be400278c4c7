"""What a voice engine is: the Protocol, its values and the ways it can refuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import Invalid, Upstream

Samples = NDArray[np.float32]

#: Words with phonemes in spoken text: [word](/phonemes/), as the default engine reads it.
_PHONEMES = re.compile(r"\[([^\[\]\n]{1,100})\]\(/([^/()\n]{1,200})/\)")
SPEED_MIN = 0.5
SPEED_MAX = 2.0


class SentenceUnspeakable(Invalid):
    """An engine has no speech for a sentence; `text` is the sentence, `details` repeat it."""

    code = "sentence_unspeakable"

    def __init__(self, text: str, *, reason: str = "", index: int | None = None) -> None:
        place = "This sentence" if index is None else f"Sentence {index + 1}"
        why = reason or "the voice has no sound for it"
        super().__init__(
            f"{place} cannot be spoken ({why}): {_shortened(text)}",
            field="text",
            details={"sentence": text, "index": index},
        )
        self.text = text
        self.reason = reason
        self.index = index


class VoiceUnknown(Invalid):
    """No engine offers the voice; the message names those on offer."""

    code = "voice_unknown"

    def __init__(self, voice: str, offered: Sequence[str]) -> None:
        super().__init__(
            f"Unknown voice: {_shortened(voice)}. Voices on offer: {', '.join(offered)}.",
            field="voice",
            details={"voice": voice, "offered": list(offered)},
        )


class EngineUnavailable(Upstream):
    """The engine cannot work at present (not installed, not reachable, failing); later it may."""

    code = "voice_engine_unavailable"


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice on offer; `language` is a tag with region such as en-US.

    A `multilingual` voice reads any language; `language` is then the one it is best at.
    """

    id: str
    name: str
    language: str
    accent: str
    gender: str
    engine: str
    multilingual: bool = False

    def speaks(self, language: str) -> bool:
        """Tell whether the voice reads texts in `language`, regions aside (en-GB reads en-US)."""
        return self.multilingual or primary_language(self.language) == primary_language(language)


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """One word with its exact place, in samples from the start of its `Speech`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Rendered speech: mono float32 in [-1, 1]; `words` is empty unless their times are exact."""

    samples: Samples
    sample_rate: int
    words: tuple[SpokenWord, ...] = ()

    @property
    def seconds(self) -> float:
        """The length of the speech."""
        return len(self.samples) / self.sample_rate


class VoiceEngine(Protocol):
    """Turns one sentence into speech.

    An engine is made once per process; a remote one is used by several threads at a time.
    """

    @property
    def name(self) -> str:
        """The engine's name in settings and cache keys."""

    @property
    def version(self) -> str:
        """The version of the engine's code."""

    @property
    def remote(self) -> bool:
        """Whether the work is done elsewhere, so that this machine only waits."""

    def voices(self) -> Sequence[Voice]:
        """List the voices that can be used right now, the best first."""

    def fingerprint(self, voice: str) -> str:
        """Identify all that decides how `voice` sounds (code and model), for cache keys.

        Raises VoiceUnknown.
        """

    def render(self, spoken: str, *, voice: str, speed: float = 1.0, seed: int = 0) -> Speech:
        """Speak one sentence at `speed` (1.0 is the voice's own pace, 2.0 twice as fast).

        Equal arguments give equal audio where the engine's models allow it. Raises VoiceUnknown,
        SentenceUnspeakable when there is nothing to say, EngineUnavailable.
        """


def require_words(spoken: str) -> None:
    """Raise SentenceUnspeakable unless there is a letter or digit: engines breathe at mere marks."""
    if not any(character.isalnum() for character in spoken):
        raise SentenceUnspeakable(spoken, reason="there is no word in it")


def phonemes_for(word: str, phonemes: str) -> str:
    """`word` with the phonemes (IPA) by which to say it, in the notation of spoken text."""
    return f"[{word}](/{phonemes}/)"


def with_phonemes(spoken: str, write: Callable[[str, str], str]) -> str:
    """Spoken text with each word that has phonemes as `write(word, phonemes)` gives it."""
    return _PHONEMES.sub(lambda match: write(match[1], match[2]), spoken)


def without_phonemes(spoken: str) -> str:
    """Spoken text for an engine that takes plain words only."""
    return with_phonemes(spoken, lambda word, _phonemes: word)


def primary_language(tag: str) -> str:
    """Return the language of a tag without script and region: "en" of "en-US" and of "en_GB"."""
    return tag.replace("_", "-").split("-", 1)[0].strip().lower()


def _shortened(text: str, limit: int = 200) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable if len(printable) <= limit else printable[: limit - 1] + "…"
