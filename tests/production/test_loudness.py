from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from pyloudnorm import Meter

from production.loudness import LoudnessMeter, integrated_loudness
from production.trimming import SAMPLE_RATE
from production.voices.fake import FakeEngine
from production.voices.hibari import HibariEngine

TEXT = "Loudness is measured in blocks, and blocks that are much too quiet do not count."


def signals() -> dict[str, np.ndarray]:
    noise = np.random.default_rng(1).standard_normal(SAMPLE_RATE * 5).astype(np.float32)
    swells = noise * np.repeat([0.3, 0.001, 0.1, 0.0, 0.02], SAMPLE_RATE).astype(np.float32)
    return {
        "steady noise": noise * np.float32(0.1),
        "loud and quiet parts": swells,
        "odd length": swells[: 4 * SAMPLE_RATE + 1_234],
        "tone bursts": FakeEngine().render(TEXT, voice="high").samples,
        "speech": HibariEngine().render(TEXT, voice="heart").samples,
    }


class TestLoudnessMeter:
    @pytest.mark.parametrize("name", list(signals()))
    def test_agrees_with_pyloudnorm(self, name: str) -> None:
        samples = signals()[name]

        expected = Meter(SAMPLE_RATE).integrated_loudness(samples.astype(np.float64))

        assert integrated_loudness(samples) == pytest.approx(expected, abs=0.05)

    def test_does_not_depend_on_the_pieces(self) -> None:
        samples = signals()["loud and quiet parts"]
        meter = LoudnessMeter()
        edges = [0, 1, 7, 2_399, 2_400, 2_401, 30_000, 30_000, 99_999, len(samples)]
        for start, end in pairwise(edges):
            meter.feed(samples[start:end])

        assert meter.integrated() == pytest.approx(integrated_loudness(samples), abs=1e-9)

    def test_reads_a_full_scale_tone_as_the_standard_says(self) -> None:
        time = np.arange(SAMPLE_RATE * 3) / SAMPLE_RATE
        tone = np.sin(2 * np.pi * 997 * time).astype(np.float32)

        assert integrated_loudness(tone) == pytest.approx(-3.01, abs=0.1)

    @pytest.mark.parametrize("seconds", [0.0, 0.05, 2.0])
    def test_has_no_number_for_silence(self, seconds: float) -> None:
        silence = np.zeros(round(seconds * SAMPLE_RATE), np.float32)

        assert integrated_loudness(silence) == -math.inf

    def test_has_a_number_for_a_word(self) -> None:
        tone = np.full(SAMPLE_RATE // 4, 0.1, np.float32) * np.tile([1, -1], SAMPLE_RATE // 8)

        assert math.isfinite(integrated_loudness(tone.astype(np.float32)))
