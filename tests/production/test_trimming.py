from __future__ import annotations

import numpy as np
import pytest

from production.trimming import (
    HEAD_GUARD_SECONDS,
    LONGEST_PAUSE_SECONDS,
    SAMPLE_RATE,
    TAIL_GUARD_SECONDS,
    prepare_speech,
)
from production.voices.base import SentenceUnspeakable, Speech, SpokenWord


def tone(seconds: float, *, rate: int = SAMPLE_RATE, level: float = 0.2) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * 200 * time)).astype(np.float32)


def quiet(seconds: float, *, rate: int = SAMPLE_RATE) -> np.ndarray:
    return np.zeros(round(seconds * rate), np.float32)


def prepared(
    *parts: np.ndarray, rate: int = SAMPLE_RATE, words=(), spoken: str = "Some words.", speed=1.0
):
    speech = Speech(np.concatenate(parts), rate, tuple(words))
    return prepare_speech(speech, spoken=spoken, speed=speed)


class TestPrepareSpeech:
    def test_trims_head_and_tail_but_for_a_guard(self) -> None:
        speech = prepared(quiet(0.3), tone(1.0), quiet(0.5))

        expected = 1.0 + HEAD_GUARD_SECONDS + TAIL_GUARD_SECONDS
        assert speech.seconds == pytest.approx(expected, abs=0.011)

    def test_keeps_soft_beginnings(self) -> None:
        speech = prepared(quiet(0.3), tone(0.2, level=0.003), tone(1.0), quiet(0.5))

        assert speech.seconds > 1.2

    def test_shortens_long_pauses_only(self) -> None:
        speech = prepared(tone(0.5), quiet(0.4), tone(0.5), quiet(2.5), tone(0.5))

        assert speech.seconds == pytest.approx(1.9 + LONGEST_PAUSE_SECONDS, abs=0.02)

    def test_moves_words_along_with_the_sound(self) -> None:
        parts = (quiet(1.0), tone(0.5), quiet(2.0), tone(0.5), quiet(1.0))
        rate = SAMPLE_RATE
        words = [SpokenWord("one", rate, rate * 3 // 2), SpokenWord("two", rate * 7 // 2, rate * 4)]

        speech = prepared(*parts, words=words)

        for word in speech.words:
            inside = speech.samples[word.start + 200 : word.end - 200]
            assert np.abs(inside).max() == pytest.approx(0.2, abs=0.01)
            assert np.abs(speech.samples[max(0, word.start - 300) : word.start - 20]).max() < 0.01
        assert speech.words[1].end <= len(speech.samples)

    def test_brings_every_rate_to_one(self) -> None:
        words = [SpokenWord("one", 0, 22_050)]

        speech = prepared(tone(1.0, rate=22_050), rate=22_050, words=words)

        assert speech.sample_rate == SAMPLE_RATE
        assert len(speech.samples) == pytest.approx(SAMPLE_RATE, abs=400)
        assert speech.words[0].end == pytest.approx(len(speech.samples), abs=2)

    def test_begins_and_ends_without_a_click(self) -> None:
        speech = prepared(tone(1.0) + np.float32(0.3))

        assert abs(speech.samples[0]) < 0.001
        assert abs(speech.samples[-1]) < 0.001

    def test_mends_numbers_that_are_none(self) -> None:
        broken = tone(1.0)
        broken[1000:1010] = np.nan
        broken[2000] = np.inf

        assert np.isfinite(prepared(broken).samples).all()

    @pytest.mark.parametrize(
        "samples",
        [quiet(0.0), quiet(2.0), tone(2.0, level=0.0005), np.full(48_000, np.nan, np.float32)],
        ids=["empty", "silent", "inaudible", "not numbers"],
    )
    def test_refuses_what_nobody_can_hear(self, samples: np.ndarray) -> None:
        with pytest.raises(SentenceUnspeakable):
            prepared(samples)

    def test_refuses_far_too_little_for_the_text(self) -> None:
        long_text = "This sentence has a good many words, and all of them should be heard. " * 3

        with pytest.raises(SentenceUnspeakable, match="needs"):
            prepared(tone(0.5), spoken=long_text)

        assert prepared(tone(5.0), spoken=long_text).seconds > 4.9

    def test_allows_for_speed_and_endless_words(self) -> None:
        text = "word " * 20

        assert prepared(tone(0.5), spoken=text, speed=2.0).seconds > 0.4
        assert prepared(tone(0.5), spoken="x" * 5_000).seconds > 0.4
