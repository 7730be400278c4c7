"""Assembles a script's audio in one pass: render, match voices, master, encode, and note every place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from production.encoding import Mp3Writer
from production.loudness import LoudnessMeter
from production.mastering import TARGET_LUFS, TOLERANCE_LU, decibels, gain_for, master
from production.pauses import Pauses, plan_pauses
from production.rendering import RenderedSentence, Renderer
from production.script import PlacedSentence, Script
from production.sentence_cache import CachedSentence
from production.timeline import Placement, TimedWord
from production.trimming import SAMPLE_RATE

#: So much speech of each voice, spread over the script, tells how loud the voice is.
PROBE_SECONDS = 45.0
CHARACTERS_PER_SECOND = 15.0
#: Encoding again is rarely needed (the probe is good to a tenth of an LU), and never for ever.
PASSES = 3
#: A gain is near enough when it changes by so little (0.1 dB), and is not sought for ever.
GAIN_ENOUGH, GAIN_ROUNDS = 0.012, 6


@dataclass(frozen=True, slots=True)
class AssembledAudio:
    """A finished MP3: `samples` is its decoded length; `loudness` in LUFS.

    `rendered` counts the sentences that were not in the cache.
    """

    path: Path
    samples: int
    placements: tuple[Placement, ...]
    loudness: float
    passes: int
    rendered: int

    @property
    def duration(self) -> float:
        """The length of the decoded file in seconds."""
        return self.samples / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Watcher:
    """How the caller follows and stops the work.

    `check` is called often and ends the work by raising; `progress` gets the sentences done.
    """

    check: Callable[[], None]
    progress: Callable[[int], None]


def assemble(
    script: Script, *, renderer: Renderer, path: Path, watcher: Watcher, speed: float = 1.0
) -> AssembledAudio:
    """Make the MP3 of `script` at `path`, overwriting it; memory does not grow with the script.

    Raises what Renderer.render raises, what `watcher.check` raises, and OSError when the file
    cannot be written. A file left behind by a failure is the caller's to remove.
    """
    pauses = plan_pauses(script, speed=speed)
    sentences = list(script.sentences())
    probe = _probe_sentences(sentences)
    heard = list(renderer.render(probe, check=watcher.check))
    # Begun before the gains are known, so that the renderers do not stand still meanwhile.
    stream = renderer.render(sentences, check=watcher.check)
    gains = _voice_gains(heard)
    rendered = sum(not sentence.cached for sentence in heard)
    for number in range(1, PASSES + 1):
        once = _encode(
            stream,
            gains=gains,
            pauses=pauses,
            path=path,
            progress=watcher.progress,
        )
        rendered += once.rendered
        off = TARGET_LUFS - once.loudness
        if abs(off) <= TOLERANCE_LU or not np.isfinite(off) or number == PASSES:
            break
        gains = {voice: gain * decibels(off) for voice, gain in gains.items()}
        stream = renderer.render(sentences, check=watcher.check)
    return AssembledAudio(path, once.samples, once.placements, once.loudness, number, rendered)


def _probe_sentences(sentences: list[PlacedSentence]) -> list[PlacedSentence]:
    """Choose sentences of every voice, evenly spread, that last about PROBE_SECONDS a voice."""
    chosen: list[PlacedSentence] = []
    for voice in dict.fromkeys(placed.voice for placed in sentences):
        own = [placed for placed in sentences if placed.voice == voice]
        seconds = sum(len(placed.sentence.spoken) for placed in own) / CHARACTERS_PER_SECOND
        every = max(1, int(seconds / PROBE_SECONDS))
        chosen += own[every // 2 :: every]
    return chosen


def _voice_gains(probe: Iterable[RenderedSentence]) -> dict[str, float]:
    """The gain that brings each voice, limiter included, to the target on its own."""
    speeches: dict[str, list[CachedSentence]] = {}
    for rendered in probe:
        speeches.setdefault(rendered.placed.voice, []).append(rendered.speech)
    gains = {}
    for voice, spoken in speeches.items():
        gain = gain_for(_loudness(spoken, None))
        # What the limiter takes away depends on the gain, and of a voice with sharp peaks it is much.
        for _round in range(GAIN_ROUNDS):
            off = gain_for(_loudness(spoken, gain))
            gain *= off
            if abs(off - 1) <= GAIN_ENOUGH:
                break
        gains[voice] = gain
    return gains


def _loudness(speeches: list[CachedSentence], gain: float | None) -> float:
    meter = LoudnessMeter()
    silence = np.zeros(SAMPLE_RATE // 3, np.float32)
    for speech in speeches:
        if gain is None:
            meter.feed(speech.pcm.astype(np.float32) / 32_768)
        else:
            meter.feed(master(speech.pcm, gain))
        meter.feed(silence)
    return meter.integrated()


@dataclass(frozen=True, slots=True)
class _Encoded:
    samples: int
    placements: tuple[Placement, ...]
    loudness: float
    rendered: int


def _encode(
    sentences: Iterable[RenderedSentence],
    *,
    gains: dict[str, float],
    pauses: Pauses,
    path: Path,
    progress: Callable[[int], None],
) -> _Encoded:
    meter = LoudnessMeter()
    placements: list[Placement] = []
    rendered = 0
    with path.open("wb") as file:
        writer = Mp3Writer(file)
        for sentence, pause in zip(sentences, pauses.before, strict=True):
            samples = master(sentence.speech.pcm, gains[sentence.placed.voice])
            silence = _silence(pause)
            writer.write(silence)
            start, end = writer.write(samples)
            meter.feed(silence)
            meter.feed(samples)
            placements.append(_placement(sentence.speech, start, end))
            rendered += not sentence.cached
            progress(len(placements))
        tail = _silence(pauses.tail)
        writer.write(tail)
        meter.feed(tail)
        samples_in_file = writer.finish()
    return _Encoded(samples_in_file, tuple(placements), meter.integrated(), rendered)


def _silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def _placement(speech: CachedSentence, start: int, end: int) -> Placement:
    words = tuple(
        TimedWord(word.text, (start + word.start) / SAMPLE_RATE, (start + word.end) / SAMPLE_RATE)
        for word in speech.words
    )
    return Placement(start_sample=start, end_sample=end, words=words)
