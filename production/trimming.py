"""Makes an engine's raw speech fit for assembly: checks that it speaks, trims silence, one sample rate."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from production.voices.base import Samples, SentenceUnspeakable, Speech, SpokenWord

#: The sample rate of everything after the voice engines, in Hz.
SAMPLE_RATE = 24_000
#: Changes of anything in this module that alters its output must change this (cache keys hold it).
TRIMMING_VERSION = "1"

FRAME_SECONDS = 0.005
#: Frames this far below the loudest one are silence; soft consonants are 35 dB down at most.
SILENCE_BELOW_LOUDEST_DB = 45.0
#: A sentence whose loudest frame is below this (dBFS) is not audible.
AUDIBLE_DB = -55.0
HEAD_GUARD_SECONDS = 0.03
TAIL_GUARD_SECONDS = 0.06
#: Longer pauses inside a sentence (engines leave up to a second) are shortened to this.
LONGEST_PAUSE_SECONDS = 0.6
FADE_SECONDS = 0.003
#: The fastest speech is about 30 characters a second; this allows for three times that.
SECONDS_PER_CHARACTER = 0.011
LONGEST_COUNTED_WORD = 20
SHORTEST_SECONDS = 0.06


def prepare_speech(speech: Speech, *, spoken: str, speed: float) -> Speech:
    """Return the audible part of `speech` at SAMPLE_RATE, its words moved along.

    Raises SentenceUnspeakable when it is empty, broken, silent, or far too short for its text.
    """
    samples = np.nan_to_num(speech.samples, nan=0.0, posinf=0.0, neginf=0.0)
    frame = max(1, round(FRAME_SECONDS * speech.sample_rate))
    loud = _audible_frames(samples, frame)
    if not loud.any():
        raise SentenceUnspeakable(spoken, reason="the voice stays silent")
    kept = _kept_spans(loud, frame, len(samples), speech.sample_rate)
    seconds = sum(end - start for start, end in kept) / speech.sample_rate
    needed = _shortest_seconds(spoken) / speed
    if seconds < needed:
        raise SentenceUnspeakable(
            spoken, reason=f"the voice says {seconds:.2f} s of a text that needs {needed:.2f} s"
        )
    joined = np.concatenate([_faded(samples[start:end], speech.sample_rate) for start, end in kept])
    words = _moved_words(speech.words, kept)
    return _resampled(Speech(joined, speech.sample_rate, words))


def _audible_frames(samples: Samples, frame: int) -> NDArray[np.bool_]:
    whole = len(samples) // frame * frame
    rest = samples[whole:]
    energies = np.square(samples[:whole].reshape(-1, frame)).mean(axis=1)
    if len(rest):
        energies = np.append(energies, np.square(rest).mean())
    if not len(energies):
        return np.zeros(0, np.bool_)
    loudest = float(energies.max())
    if loudest < 10 ** (AUDIBLE_DB / 10):
        return np.zeros(len(energies), np.bool_)
    return np.asarray(energies > loudest * 10 ** (-SILENCE_BELOW_LOUDEST_DB / 10))


def _kept_spans(
    loud: NDArray[np.bool_], frame: int, length: int, sample_rate: int
) -> list[tuple[int, int]]:
    """The sample ranges to keep: head and tail silence off, long pauses cut in their middle."""
    places = np.flatnonzero(loud)
    head, tail = round(HEAD_GUARD_SECONDS * sample_rate), round(TAIL_GUARD_SECONDS * sample_rate)
    first = max(0, int(places[0]) * frame - head)
    last = min(length, (int(places[-1]) + 1) * frame + tail)
    pause = round(LONGEST_PAUSE_SECONDS * sample_rate)
    spans = []
    for before in np.flatnonzero(np.diff(places) * frame > pause):
        quiet_start = (int(places[before]) + 1) * frame
        quiet_end = int(places[before + 1]) * frame
        spans.append((first, quiet_start + pause // 2))
        first = max(quiet_end - pause // 2, quiet_start + pause // 2)
    return [*spans, (first, last)]


def _shortest_seconds(spoken: str) -> float:
    # One endless "word" (a key, a digest) may well be cut short by an engine: count its start only.
    counted = sum(
        min(LONGEST_COUNTED_WORD, sum(c.isascii() and c.isalnum() for c in word))
        for word in spoken.split()
    )
    return max(SHORTEST_SECONDS, SECONDS_PER_CHARACTER * counted)


def _faded(samples: Samples, sample_rate: int) -> Samples:
    faded = samples.copy()
    length = min(round(FADE_SECONDS * sample_rate), len(faded) // 2)
    if length:
        ramp = np.linspace(0.0, 1.0, length, dtype=np.float32)
        faded[:length] *= ramp
        faded[-length:] *= ramp[::-1]
    return faded


def _moved_words(
    words: tuple[SpokenWord, ...], kept: list[tuple[int, int]]
) -> tuple[SpokenWord, ...]:
    starts = np.array([start for start, _ in kept])
    lengths = np.array([end - start for start, end in kept])
    before = np.concatenate([[0], np.cumsum(lengths)])

    def moved(position: int) -> int:
        span = max(0, int(np.searchsorted(starts, position, side="right")) - 1)
        return int(before[span] + np.clip(position - starts[span], 0, lengths[span]))

    return tuple(SpokenWord(word.text, moved(word.start), moved(word.end)) for word in words)


def _resampled(speech: Speech) -> Speech:
    if speech.sample_rate == SAMPLE_RATE:
        return speech
    ratio = SAMPLE_RATE / speech.sample_rate
    samples = soxr.resample(speech.samples, speech.sample_rate, SAMPLE_RATE, quality="HQ")
    words = tuple(
        SpokenWord(
            word.text,
            min(round(word.start * ratio), len(samples)),
            min(round(word.end * ratio), len(samples)),
        )
        for word in speech.words
    )
    return Speech(np.ascontiguousarray(samples, dtype=np.float32), SAMPLE_RATE, words)
