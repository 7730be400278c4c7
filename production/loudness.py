"""Integrated loudness by ITU-R BS.1770-4, measured piece by piece, so that an hour needs no memory."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from production.trimming import SAMPLE_RATE

#: Blocks of 400 ms overlap by three quarters: they are built from steps of 100 ms.
STEP = SAMPLE_RATE // 10
STEPS_IN_BLOCK = 4
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = 10.0
OFFSET_LU = -0.691


@cache
def _k_weighting() -> NDArray[np.float64]:
    """The two filters as pyloudnorm.Meter has them, as second-order sections."""
    # It and scipy take a second to load, and only processes that make audio need them.
    from pyloudnorm.iirfilter import IIRfilter

    shelf = IIRfilter(4.0, 1 / math.sqrt(2), 1500.0, SAMPLE_RATE, "high_shelf")
    high_pass = IIRfilter(0.0, 0.5, 38.0, SAMPLE_RATE, "high_pass")
    return np.array([[*shelf.b, *shelf.a], [*high_pass.b, *high_pass.a]], dtype=np.float64)


class LoudnessMeter:
    """Takes mono samples at trimming.SAMPLE_RATE in pieces of any length, as one signal."""

    def __init__(self) -> None:
        self._state = np.zeros((len(_k_weighting()), 2))
        self._rest = np.zeros(0)
        self._energies: list[NDArray[np.float64]] = []

    def feed(self, samples: NDArray[np.float32] | NDArray[np.float64]) -> None:
        """Add samples in [-1, 1] to the end of the signal."""
        from scipy import signal

        if not len(samples):
            return
        weighted, self._state = signal.sosfilt(
            _k_weighting(), samples.astype(np.float64, copy=False), zi=self._state
        )
        joined = np.concatenate([self._rest, weighted]) if len(self._rest) else weighted
        whole = len(joined) // STEP * STEP
        self._energies.append(np.square(joined[:whole]).reshape(-1, STEP).mean(axis=1))
        self._rest = joined[whole:].copy()

    def integrated(self) -> float:
        """The gated loudness so far in LUFS; minus infinity for silence or less than 100 ms."""
        steps = np.concatenate(self._energies) if self._energies else np.zeros(0)
        if not len(steps):
            return -math.inf
        if len(steps) < STEPS_IN_BLOCK:
            steps = np.pad(steps, (0, STEPS_IN_BLOCK - len(steps)))
        blocks = np.convolve(steps, np.full(STEPS_IN_BLOCK, 1 / STEPS_IN_BLOCK), mode="valid")
        audible = blocks[blocks >= _energy(ABSOLUTE_GATE_LUFS)]
        if not len(audible):
            return -math.inf
        gate = _energy(_loudness(float(audible.mean())) - RELATIVE_GATE_LU)
        return _loudness(float(audible[audible > gate].mean()))


def integrated_loudness(samples: NDArray[np.float32]) -> float:
    """The integrated loudness of one whole signal in LUFS."""
    meter = LoudnessMeter()
    meter.feed(samples)
    return meter.integrated()


def _loudness(energy: float) -> float:
    return OFFSET_LU + 10.0 * math.log10(energy)


def _energy(loudness: float) -> float:
    return float(10.0 ** ((loudness - OFFSET_LU) / 10.0))
