from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from pyloudnorm import Meter
from scipy import signal

from production.assembling import Watcher, assemble
from production.loudness import integrated_loudness
from production.mastering import TARGET_LUFS
from production.pauses import plan_pauses
from production.render_pool import RenderPool
from production.rendering import Renderer
from production.script import Chapter, Script, Segment, Sentence
from production.sentence_cache import SentenceCache
from production.timeline import build_timeline
from production.trimming import SAMPLE_RATE
from production.voices.base import SentenceUnspeakable
from production.voices.engines import EngineOptions
from production.voices.registry import VoiceCatalog

TEXTS = (
    "Welcome to the evening edition.",
    "Two agents met in a library.",
    "They read for an hour.",
    "Then they wrote it all down, word by word, until the morning came.",
    "That is all.",
)


@pytest.fixture
def renderer(catalog: VoiceCatalog, shared_renderers: RenderPool) -> Renderer:
    return Renderer(catalog=catalog, pool=shared_renderers)


@pytest.fixture
def dialogue() -> Script:
    """Two voices, of which one is 8 dB quieter, in two chapters."""

    def turn(voice: str, *texts: str) -> Segment:
        return Segment(voice.title(), voice, tuple(Sentence(text, text) for text in texts))

    return Script(
        "en",
        (
            Chapter("One", (turn("high", *TEXTS[:3]), turn("low", *TEXTS[2:]))),
            Chapter("Two", (turn("high", *TEXTS[1:]), turn("low", *TEXTS))),
        ),
    )


def decoded(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == SAMPLE_RATE
    assert samples.ndim == 1
    return samples


def true_peak_db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.abs(signal.resample_poly(samples, 4, 1)).max()))


def longest_silence(samples: np.ndarray) -> float:
    quiet = np.abs(samples[: len(samples) // 240 * 240]).reshape(-1, 240).max(axis=1) < 0.003
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet, [0]]).astype(int)))
    return float((edges[1::2] - edges[::2]).max(initial=0)) / 100


class TestAssemble:
    def test_makes_audio_that_directories_accept(
        self, renderer, dialogue, watcher, tmp_path: Path
    ) -> None:
        audio = assemble(dialogue, renderer=renderer, path=tmp_path / "a.mp3", watcher=watcher)

        samples = decoded(audio.path)
        measured = Meter(SAMPLE_RATE).integrated_loudness(samples.astype(np.float64))
        assert measured == pytest.approx(TARGET_LUFS, abs=1.0)
        assert measured == pytest.approx(audio.loudness, abs=0.2)
        assert true_peak_db(samples) <= -1.0
        assert longest_silence(samples) < 3.0

    def test_knows_the_exact_length_and_places(
        self, renderer, dialogue, watcher, tmp_path: Path
    ) -> None:
        audio = assemble(dialogue, renderer=renderer, path=tmp_path / "a.mp3", watcher=watcher)

        samples = decoded(audio.path)
        assert len(samples) == audio.samples
        assert len(audio.placements) == dialogue.sentence_count()
        pauses = plan_pauses(dialogue)
        end = 0
        for place, pause in zip(audio.placements, pauses.before, strict=True):
            assert (place.start_sample - end) / SAMPLE_RATE == pytest.approx(pause, abs=0.001)
            assert np.abs(samples[end + 600 : place.start_sample]).max() < 0.01
            inside = samples[place.start_sample : place.end_sample]
            assert np.abs(inside[: SAMPLE_RATE // 10]).max() > 0.05
            end = place.end_sample
        assert (audio.samples - end) / SAMPLE_RATE == pytest.approx(pauses.tail, abs=0.1)

    def test_places_words_on_their_sound(
        self, renderer, script_of, watcher, tmp_path: Path
    ) -> None:
        script = script_of(*TEXTS)
        audio = assemble(script, renderer=renderer, path=tmp_path / "a.mp3", watcher=watcher)

        samples = decoded(audio.path)
        timeline = build_timeline(script, audio.placements, audio.duration, sample_rate=SAMPLE_RATE)
        assert [len(sentence.words) for sentence in timeline.sentences] == [
            len(text.split()) for text in TEXTS
        ]
        for sentence in timeline.sentences:
            for word in sentence.words:
                middle = samples[
                    round((word.start + 0.02) * SAMPLE_RATE) : round(
                        (word.end - 0.02) * SAMPLE_RATE
                    )
                ]
                before = samples[
                    round((word.start - 0.03) * SAMPLE_RATE) : round(
                        (word.start - 0.01) * SAMPLE_RATE
                    )
                ]
                assert np.sqrt(np.square(middle).mean()) > 0.05
                assert np.sqrt(np.square(before).mean()) < 0.02

    def test_brings_two_voices_to_the_same_loudness(
        self, renderer, dialogue, watcher, tmp_path: Path
    ) -> None:
        audio = assemble(dialogue, renderer=renderer, path=tmp_path / "a.mp3", watcher=watcher)

        samples = decoded(audio.path)
        by_voice: dict[str, list[np.ndarray]] = {}
        for place, placed in zip(audio.placements, dialogue.sentences(), strict=True):
            piece = samples[place.start_sample : place.end_sample]
            by_voice.setdefault(placed.voice, []).append(piece)
        loudness = {v: integrated_loudness(np.concatenate(p)) for v, p in by_voice.items()}
        assert loudness["high"] == pytest.approx(loudness["low"], abs=0.5)

    @pytest.mark.parametrize("text", ["No.", "Yes, indeed it is."])
    def test_masters_even_a_single_word(
        self, renderer, script_of, watcher, tmp_path: Path, text: str
    ) -> None:
        audio = assemble(script_of(text), renderer=renderer, path=tmp_path / "a", watcher=watcher)

        measured = integrated_loudness(decoded(audio.path))
        assert measured == pytest.approx(TARGET_LUFS, abs=1.0)
        assert audio.duration < 3.0

    def test_encodes_again_when_the_probe_misled(
        self, renderer, script_of, watcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "production.assembling._voice_gains", lambda _probe: dict.fromkeys(["high"], 0.1)
        )

        audio = assemble(
            script_of(*TEXTS), renderer=renderer, path=tmp_path / "a.mp3", watcher=watcher
        )

        assert audio.passes > 1
        assert integrated_loudness(decoded(audio.path)) == pytest.approx(TARGET_LUFS, abs=1.0)
        assert len(audio.placements) == len(TEXTS)

    def test_renders_nothing_that_is_cached(
        self, renderer, dialogue, watcher, tmp_path: Path
    ) -> None:
        first = assemble(dialogue, renderer=renderer, path=tmp_path / "a.mp3", watcher=watcher)
        second = assemble(dialogue, renderer=renderer, path=tmp_path / "b.mp3", watcher=watcher)

        assert second.rendered == 0
        assert first.path.read_bytes() == second.path.read_bytes()

    def test_reports_progress_and_obeys_the_check(
        self, renderer, script_of, tmp_path: Path
    ) -> None:
        done: list[int] = []

        class Stop(Exception):
            pass

        def check() -> None:
            if done and done[-1] == 3:
                raise Stop

        with pytest.raises(Stop):
            assemble(
                script_of(*TEXTS),
                renderer=renderer,
                path=tmp_path / "a.mp3",
                watcher=Watcher(check=check, progress=done.append),
            )
        assert done == [1, 2, 3]

    def test_never_finishes_with_a_silent_sentence(
        self, renderer, script_of, watcher, tmp_path: Path
    ) -> None:
        script = script_of(*TEXTS, "☃", *TEXTS)

        with pytest.raises(SentenceUnspeakable, match="Sentence 6"):
            assemble(script, renderer=renderer, path=tmp_path / "a.mp3", watcher=watcher)


@pytest.mark.slow
class TestAssembleForReal:
    @pytest.mark.parametrize("voice", ["heart", "joe"])
    def test_masters_real_voices(self, tmp_path: Path, script_of, watcher, voice: str) -> None:
        options = EngineOptions(chosen="hibari", voices_dir=tmp_path)
        pool = RenderPool(options, SentenceCache(tmp_path / "cache"), workers=1)
        script = script_of(*TEXTS, *TEXTS[::-1], voice=voice)

        audio = assemble(
            script,
            renderer=Renderer(catalog=VoiceCatalog(options), pool=pool, speed=1.1),
            path=tmp_path / "a.mp3",
            watcher=watcher,
            speed=1.1,
        )
        pool.close()

        samples = decoded(audio.path)
        assert integrated_loudness(samples) == pytest.approx(TARGET_LUFS, abs=1.0)
        assert true_peak_db(samples) <= -1.0
        assert longest_silence(samples) < 1.5
        assert len(samples) == audio.samples
