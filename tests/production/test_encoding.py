from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from production.encoding import BIT_RATE_KBITS, FRAME_BYTES, FRAME_SAMPLES, Mp3Writer
from production.trimming import SAMPLE_RATE


def burst(seconds: float, frequency: float) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.5 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def encoded(*pieces: np.ndarray) -> tuple[bytes, list[tuple[int, int]], int]:
    file = io.BytesIO()
    writer = Mp3Writer(file)
    places = [writer.write(piece) for piece in pieces]
    length = writer.finish()
    return file.getvalue(), places, length


class TestMp3Writer:
    def test_says_where_each_sample_is_heard(self) -> None:
        first, second = burst(0.4, 500), burst(0.7, 900)

        content, places, length = encoded(silence(0.3), first, silence(1.1), second, silence(0.5))
        decoded, rate = soundfile.read(io.BytesIO(content), dtype="float32")

        assert rate == SAMPLE_RATE
        assert len(decoded) == length
        for (start, end), samples in ((places[1], first), (places[3], second)):
            offsets = range(-60, 61)
            errors = [np.square(decoded[start + o : end + o] - samples).sum() for o in offsets]
            assert offsets[int(np.argmin(errors))] == 0

    def test_keeps_the_level(self) -> None:
        content, places, _ = encoded(silence(0.3), burst(1.0, 997), silence(0.3))
        decoded, _ = soundfile.read(io.BytesIO(content), dtype="float32")

        inside = decoded[places[1][0] + 2_000 : places[1][1] - 2_000]
        assert np.abs(inside).max() == pytest.approx(0.5, abs=0.005)

    def test_writes_constant_bit_rate_from_the_first_byte(self) -> None:
        content, _, length = encoded(silence(0.3), burst(10.0, 440), silence(0.5))

        assert len(content) == length // FRAME_SAMPLES * FRAME_BYTES
        assert len(content) * 8 / (length / SAMPLE_RATE) == pytest.approx(BIT_RATE_KBITS * 1000)
        headers = {content[at : at + 2] for at in range(0, len(content), FRAME_BYTES)}
        assert headers == {b"\xff\xf3"}

    def test_covers_all_that_was_written(self) -> None:
        for samples in (1, 575, 576, 577, 24_000):
            _, places, length = encoded(silence(0.1), np.zeros(samples, np.float32))

            assert 0 <= length - places[-1][1] < 3 * FRAME_SAMPLES

    def test_clips_rather_than_wraps(self) -> None:
        content, _, _ = encoded(silence(0.2), burst(0.5, 300) * np.float32(3.0), silence(0.2))
        decoded, _ = soundfile.read(io.BytesIO(content), dtype="float32")

        assert np.corrcoef(decoded[6_000:14_000], burst(0.5, 300)[1_200:9_200])[0, 1] > 0.9

    def test_passes_on_that_the_disk_is_full(self) -> None:
        class FullDisk(io.BytesIO):
            def write(self, _content: object) -> int:
                raise OSError(28, "No space left on device")

        writer = Mp3Writer(FullDisk())

        with pytest.raises(OSError, match="space"):
            writer.write(burst(5.0, 440))
