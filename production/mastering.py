"""Brings speech to the loudness that directories want, with a limiter that knows peaks between samples."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from production.trimming import SAMPLE_RATE

TARGET_LUFS = -16.0
#: How far the finished audio may be off before it is encoded once more (directories allow 1 LU).
TOLERANCE_LU = 0.7
#: The limiter's ceiling in dBTP: MP3 moves peaks, at 64 kbit/s by up to half a dB as measured.
CEILING_DB = -2.0
GAIN_LOWEST_DB, GAIN_HIGHEST_DB = -30.0, 40.0

#: The limiter works in hops of 1 ms and turns down 20 ms ahead and 20 ms after a peak.
HOP = SAMPLE_RATE // 1000
REACH_HOPS = 20
#: Hops whose samples stay this far below the ceiling cannot hide a true peak above it (speech has
#: next to nothing near half the sample rate; the theoretical worst case is 3 dB in such signals).
SUSPECT_BELOW_CEILING_DB = 3.0
OVERSAMPLING = 4
CONTEXT = 12
BATCH = 64

_CEILING = 10 ** (CEILING_DB / 20)
_SUSPECT = 10 ** ((CEILING_DB - SUSPECT_BELOW_CEILING_DB) / 20)
_WINDOW = np.hanning(2 * REACH_HOPS + 1)
_SMOOTHING = (_WINDOW / _WINDOW.sum()).astype(np.float32)


def gain_for(loudness: float, *, target: float = TARGET_LUFS) -> float:
    """The factor that brings `loudness` (LUFS) to `target`, within sane limits; 1.0 for silence."""
    if not math.isfinite(loudness):
        return 1.0
    return decibels(min(GAIN_HIGHEST_DB, max(GAIN_LOWEST_DB, target - loudness)))


def decibels(level: float) -> float:
    """The factor of a level in dB."""
    return float(10 ** (level / 20))


def master(pcm: NDArray[np.int16], gain: float) -> NDArray[np.float32]:
    """Apply `gain` to one sentence of 16-bit samples and limit its true peak to CEILING_DB.

    The sentence must be surrounded by silence: the limiter may begin and end turned down.
    """
    samples = pcm.astype(np.float32) * np.float32(gain / 32_768)
    hops = -(-len(samples) // HOP)
    padded = np.zeros((hops + 2) * HOP, np.float32)
    padded[HOP : HOP + len(samples)] = samples
    peaks = _true_peaks(padded)
    if not len(peaks) or float(peaks.max()) <= _CEILING:
        return samples
    return np.asarray(samples * _reduction(peaks, len(samples)), dtype=np.float32)


def _true_peaks(padded: NDArray[np.float32]) -> NDArray[np.float32]:
    """The highest level of each hop between the two padding hops, oversampled where it matters."""
    # Here and below: scipy takes a second to load, and only processes that make audio need it.
    from scipy import ndimage

    peaks = np.abs(padded).reshape(-1, HOP).max(axis=1)[1:-1]
    # A peak between two samples may belong to the neighbouring hop: look there as well.
    suspects = np.flatnonzero(ndimage.maximum_filter1d(peaks, 3, mode="constant") > _SUSPECT)
    if len(suspects):
        windows = np.lib.stride_tricks.sliding_window_view(padded, HOP + 2 * CONTEXT)
        # In batches: larger products make OpenBLAS start threads, which then spin on every core.
        batches = -(-len(suspects) // BATCH)
        around = np.zeros((batches * BATCH, HOP + 2 * CONTEXT), np.float32)
        around[: len(suspects)] = windows[(suspects + 1) * HOP - CONTEXT]
        between = np.abs(around.reshape(batches, BATCH, -1) @ _interpolator()).max(axis=2)
        peaks[suspects] = np.maximum(peaks[suspects], between.ravel()[: len(suspects)])
    return np.asarray(peaks, dtype=np.float32)


@cache
def _interpolator() -> NDArray[np.float32]:
    """A matrix that turns a hop with context into the samples between its own."""
    from scipy import signal

    taps = signal.firwin(2 * CONTEXT * OVERSAMPLING + 1, 1 / OVERSAMPLING, window=("kaiser", 6.0))
    taps *= OVERSAMPLING
    width = HOP + 2 * CONTEXT
    columns = []
    for position in range(HOP):
        for phase in range(1, OVERSAMPLING):
            time = (CONTEXT + position) * OVERSAMPLING + phase
            offsets = time - np.arange(width) * OVERSAMPLING + CONTEXT * OVERSAMPLING
            inside = (offsets >= 0) & (offsets < len(taps))
            columns.append(np.where(inside, taps[np.clip(offsets, 0, len(taps) - 1)], 0.0))
    return np.array(columns, dtype=np.float32).T


def _reduction(peaks: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """The limiter's factor for every sample: low enough at each peak, smooth around it."""
    from scipy import ndimage

    wanted = np.minimum(1.0, _CEILING / np.maximum(peaks, np.float32(1e-9))).astype(np.float32)
    # The minimum reaches one hop further than the smoothing, so that the smoothed curve, drawn as
    # straight lines between hop centres, is nowhere above what any peak under it allows.
    held = ndimage.minimum_filter1d(wanted, 2 * REACH_HOPS + 5, mode="nearest")
    smooth = ndimage.convolve1d(held, _SMOOTHING, mode="nearest")
    edges = np.pad(smooth, 1, mode="edge")
    edges = np.minimum(edges[:-1], edges[1:])
    ramp = (np.arange(HOP, dtype=np.float32) + 0.5) / HOP
    curve = edges[:-1, None] + (edges[1:] - edges[:-1])[:, None] * ramp
    return np.asarray(curve.reshape(-1)[:length], dtype=np.float32)
