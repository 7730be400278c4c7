"""The default voice engine: hibari, which runs on the processor and carries its model in its package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version as package_version
from threading import Lock
from typing import Any

import numpy as np
from hibari import Hibari
from hibari.voices import VOICES, voice_path
from numpy.typing import NDArray

from production.voices.base import (
    EngineUnavailable,
    SentenceUnspeakable,
    Speech,
    Voice,
    VoiceUnknown,
    require_words,
)

#: What hibari itself aims at; about 40 seconds of speech.
LONGEST_PHONEMES = 400
#: Four million numbers (16 MB): 44 seconds of noise before it comes round again.
TAPE_LENGTH = 2**22


class HibariEngine:
    """Speaks with those hibari voices whose model is on disk; never downloads one."""

    name = "hibari"
    remote = False

    def __init__(self) -> None:
        self.version = package_version("hibari-tts")
        self._loaded: dict[str, Any] = {}
        self._lock = Lock()

    def voices(self) -> tuple[Voice, ...]:
        """List the bundled voice and those in hibari's own cache directory."""
        return tuple(
            Voice(
                id=voice_id,
                name=voice_id.capitalize(),
                language=facts["language"],
                accent=facts["accent"],
                gender=facts["gender"],
                engine=self.name,
            )
            for voice_id, facts in VOICES.items()
            if _model_path(voice_id) is not None
        )

    def fingerprint(self, voice: str) -> str:
        """Name the package version and the model's published digest."""
        self._require(voice)
        return f"hibari {self.version} {VOICES[voice]['sha256']}"

    def render(self, spoken: str, *, voice: str, speed: float = 1.0, seed: int = 0) -> Speech:
        """Speak `spoken` at 24 kHz; hibari gives no word times."""
        engine = self._load(voice)
        require_words(spoken)
        noise = _NoiseTape(seed)
        parts = [
            engine.from_ids(engine.ids(phonemes), speed, noise)
            for phonemes in _bounded(engine.phonemize(spoken))
        ]
        if not any(len(part) for part in parts):
            raise SentenceUnspeakable(spoken)
        samples = np.ascontiguousarray(np.concatenate(parts), dtype=np.float32)
        return Speech(samples=samples, sample_rate=engine.sample_rate)

    def _load(self, voice: str) -> Any:
        with self._lock:
            loaded = self._loaded.get(voice)
            if loaded is None:
                self._require(voice)
                loaded = self._loaded[voice] = self._make(voice)
            return loaded

    def _make(self, voice: str) -> Any:
        # Voices of the same variant share one dictionary, by far the slower half of loading.
        dictionary = next(
            (
                other.g2p
                for name, other in self._loaded.items()
                if VOICES[name]["british"] == VOICES[voice]["british"]
            ),
            None,
        )
        try:
            return Hibari(voice=voice, model=_model_path(voice), threads=1, g2p=dictionary)
        except Exception as error:  # onnxruntime raises its own classes for a broken file
            raise EngineUnavailable(f"The voice {voice} cannot be loaded: {error}") from error

    def _require(self, voice: str) -> None:
        offered = [offer.id for offer in self.voices()]
        if voice not in offered:
            raise VoiceUnknown(voice, offered)


@cache
def _tape() -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(TAPE_LENGTH, dtype=np.float32)


class _NoiseTape:
    """Stands in for the random generator that hibari colours breath and consonants with.

    It hands out pieces of one recording of noise, from a place that the seed decides: drawing fresh
    numbers for every sentence takes a tenth of hibari's time and cannot be heard.
    """

    def __init__(self, seed: int) -> None:
        self._places = np.random.default_rng(seed)

    def standard_normal(self, size: tuple[int, ...], dtype: Any = np.float32) -> NDArray[Any]:
        """Normally distributed numbers, as numpy's Generator.standard_normal gives them."""
        tape = _tape()
        count = int(np.prod(size))
        if count > len(tape):
            tape = np.tile(tape, -(-count // len(tape)))
        start = int(self._places.integers(len(tape) - count + 1))
        return tape[start : start + count].reshape(size).astype(dtype, copy=True)


def _bounded(chunks: Iterable[str]) -> Iterator[str]:
    """Cut chunks that hibari could not split at a comma: memory grows with the longest (1 MB each)."""
    for chunk in chunks:
        rest = chunk
        while len(rest) > LONGEST_PHONEMES:
            cut = rest.rfind(" ", 1, LONGEST_PHONEMES) + 1 or LONGEST_PHONEMES
            yield rest[:cut]
            rest = rest[cut:]
        yield rest


def _model_path(voice: str) -> str | None:
    try:
        return str(voice_path(voice, download_missing=False))
    except FileNotFoundError:
        return None
