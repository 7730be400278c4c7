"""A voice engine for tests: every word is a tone burst whose length follows the word's."""

from __future__ import annotations

import numpy as np

from production.voices.base import (
    Speech,
    SpokenWord,
    Voice,
    VoiceUnknown,
    require_words,
    without_phonemes,
)

SAMPLE_RATE = 24_000
EDGE_SECONDS = 0.2
GAP_SECONDS = 0.05
CHARACTER_SECONDS = 0.06


class FakeEngine:
    """Deterministic, instant, and audible: durations, words and loudness can be asserted on.

    The voices differ in pitch and in loudness (by 8 dB), so that matching them is visible.
    """

    name = "fake"
    version = "1"
    remote = False

    _TONES = {"high": (330.0, 0.25), "low": (140.0, 0.1)}

    def voices(self) -> tuple[Voice, ...]:
        """List two American voices and a German one."""
        return (
            Voice("high", "High", "en-US", "American", "female", self.name),
            Voice("low", "Low", "en-US", "American", "male", self.name),
            Voice("tief", "Tief", "de-DE", "German", "male", self.name),
        )

    def fingerprint(self, voice: str) -> str:
        """Name the version; there is no model."""
        self._require(voice)
        return f"fake {self.version}"

    def render(self, spoken: str, *, voice: str, speed: float = 1.0, seed: int = 0) -> Speech:
        """Burst by burst, with silence before, between and after, as real engines do."""
        self._require(voice)
        require_words(spoken)
        words = [
            word for word in without_phonemes(spoken).split() if any(c.isalnum() for c in word)
        ]
        edge = np.zeros(round(EDGE_SECONDS * SAMPLE_RATE), np.float32)
        gap = np.zeros(round(GAP_SECONDS * SAMPLE_RATE / speed), np.float32)
        parts = [edge]
        position = len(edge)
        placed: list[SpokenWord] = []
        for word in words:
            burst = self._burst(len(word), voice=voice, speed=speed)
            placed.append(SpokenWord(word, position, position + len(burst)))
            parts += [burst, gap]
            position += len(burst) + len(gap)
        return Speech(np.concatenate([*parts, edge]), SAMPLE_RATE, tuple(placed))

    def _burst(self, characters: int, *, voice: str, speed: float) -> np.ndarray:
        pitch, level = self._TONES.get(voice, self._TONES["low"])
        length = round(characters * CHARACTER_SECONDS * SAMPLE_RATE / speed)
        time = np.arange(length) / SAMPLE_RATE
        tone = sum(np.sin(2 * np.pi * pitch * harmonic * time) / harmonic for harmonic in (1, 2, 3))
        ramp = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / 120)
        return np.asarray(level * tone * ramp, dtype=np.float32)

    def _require(self, voice: str) -> None:
        offered = [offer.id for offer in self.voices()]
        if voice not in offered:
            raise VoiceUnknown(voice, offered)
