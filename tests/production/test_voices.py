from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hibari import Hibari

from production.trimming import prepare_speech
from production.voices.base import (
    EngineUnavailable,
    SentenceUnspeakable,
    VoiceEngine,
    VoiceUnknown,
    primary_language,
)
from production.voices.engines import EngineOptions, make_engine
from production.voices.fake import FakeEngine
from production.voices.hibari import HibariEngine
from production.voices.openai import OpenAIEngine
from production.voices.piper import PiperEngine
from production.voices.registry import LanguageUnspoken, VoiceCatalog, voice_catalog
from tests.fakes.voice_server import run_voice_server

SENTENCE = "The quick brown fox jumps over the lazy dog."


@cache
def local_engine(name: str) -> VoiceEngine:
    """One of each for all tests: its model is read at the first sentence."""
    if name == "piper":
        return PiperEngine(voices_dir=Path("there-is-no-such-folder"))
    return {"hibari": HibariEngine, "fake": FakeEngine}[name]()


@pytest.fixture(scope="module", params=["hibari", "piper", "openai", "fake"])
def engine(request: pytest.FixtureRequest) -> Iterator[VoiceEngine]:
    """Every engine there is: real ones for real, the remote one against a server on loopback."""
    if request.param == "openai":
        with run_voice_server() as server:
            yield OpenAIEngine(base_url=server.address, sleep=lambda _seconds: None)
    else:
        yield local_engine(request.param)


@pytest.fixture
def voice(engine: VoiceEngine) -> str:
    return engine.voices()[0].id


class TestEveryEngine:
    def test_offers_described_voices_with_distinct_ids(self, engine: VoiceEngine) -> None:
        voices = engine.voices()

        assert voices
        assert len({voice.id for voice in voices}) == len(voices)
        for voice in voices:
            assert voice.engine == engine.name
            assert voice.name
            assert primary_language(voice.language).isalpha()

    def test_speaks_audibly_for_a_plausible_time(self, engine: VoiceEngine, voice: str) -> None:
        speech = engine.render(SENTENCE, voice=voice)

        assert speech.samples.dtype == np.float32
        assert speech.samples.ndim == 1
        assert 1.0 < speech.seconds < 10.0
        assert 0.02 < np.abs(speech.samples).max() <= 1.0
        assert prepare_speech(speech, spoken=SENTENCE, speed=1.0).seconds > 1.0

    def test_speaks_faster_and_slower(self, engine: VoiceEngine, voice: str) -> None:
        slow = engine.render(SENTENCE, voice=voice, speed=0.7)
        fast = engine.render(SENTENCE, voice=voice, speed=1.6)

        assert slow.seconds > 1.4 * fast.seconds

    def test_gives_word_times_in_order_or_none(self, engine: VoiceEngine, voice: str) -> None:
        speech = engine.render(SENTENCE, voice=voice)

        assert [word.text for word in speech.words] in ([], SENTENCE.split())
        edges = [edge for word in speech.words for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert all(0 <= edge <= len(speech.samples) for edge in edges)

    @pytest.mark.parametrize("nothing", ["", "   ", "\x00\x07", "… — !"])
    def test_never_passes_silence_off_as_speech(
        self, engine: VoiceEngine, voice: str, nothing: str
    ) -> None:
        with pytest.raises(SentenceUnspeakable):
            prepare_speech(engine.render(nothing, voice=voice), spoken="A sentence.", speed=1.0)

    @pytest.mark.parametrize(
        "hostile", ["One \x00 two.", "One \ud800 two.", "<speak>One two</speak>", "x" * 3_000]
    )
    def test_survives_hostile_text(self, engine: VoiceEngine, voice: str, hostile: str) -> None:
        try:
            speech = engine.render(hostile, voice=voice)
        except SentenceUnspeakable:
            return

        assert np.isfinite(speech.samples).all()

    def test_refuses_a_voice_it_does_not_have(self, engine: VoiceEngine) -> None:
        with pytest.raises(VoiceUnknown) as refusal:
            engine.render(SENTENCE, voice="nobody\n<b>")
        with pytest.raises(VoiceUnknown):
            engine.fingerprint("nobody")

        assert engine.voices()[0].id in refusal.value.message
        assert "\n" not in refusal.value.message

    def test_has_a_stable_fingerprint(self, engine: VoiceEngine, voice: str) -> None:
        assert engine.name in engine.fingerprint(voice)
        assert engine.fingerprint(voice) == engine.fingerprint(voice)


class TestHibari:
    def test_repeats_itself_sample_for_sample(self) -> None:
        engine = HibariEngine()

        first = engine.render(SENTENCE, voice="heart", seed=3)
        second = HibariEngine().render(SENTENCE, voice="heart", seed=3)

        assert np.array_equal(first.samples, second.samples)

    def test_sounds_as_the_library_itself_does(self) -> None:
        own = HibariEngine().render(SENTENCE, voice="heart").samples
        library = Hibari(threads=1)(SENTENCE, seed=0)

        assert len(own) == len(library)
        # The noise in breath and consonants differs, the voice does not.
        assert np.corrcoef(own, library)[0, 1] > 0.95

    def test_offers_only_voices_whose_file_is_there(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("HIBARI_HOME", str(tmp_path))

        assert [voice.id for voice in HibariEngine().voices()] == ["heart"]

        (tmp_path / "bf_emma.int8.onnx").write_bytes(b"not a model")
        assert [voice.id for voice in HibariEngine().voices()] == ["heart", "emma"]
        with pytest.raises(EngineUnavailable):
            HibariEngine().render(SENTENCE, voice="emma")

    def test_cuts_endless_sentences_so_that_memory_stays_bounded(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = HibariEngine()
        longest: list[int] = []
        model = engine._load("heart")
        original = model.from_ids

        def noting(ids, *arguments):
            longest.append(len(ids))
            return original(ids, *arguments)

        monkeypatch.setattr(model, "from_ids", noting)
        speech = engine.render("word " * 300, voice="heart")

        assert len(longest) > 1
        assert max(longest) <= 402
        assert speech.seconds > 60


class TestVoiceCatalog:
    @pytest.fixture
    def options(self, tmp_path: Path) -> EngineOptions:
        return EngineOptions(chosen="hibari", voices_dir=tmp_path)

    def test_follows_the_settings(self) -> None:
        assert [voice.id for voice in voice_catalog().voices()] == ["high", "low", "tief"]

    def test_offers_the_other_local_engines_after_the_chosen_one(
        self, options: EngineOptions
    ) -> None:
        catalog = VoiceCatalog(options)

        assert [voice.id for voice in catalog.voices()] == ["heart", "joe"]
        assert catalog.engine_of("joe").name == "piper"

    def test_does_without_an_engine_that_is_not_installed(
        self, options: EngineOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("production.voices.piper.find_spec", lambda _name: None)

        assert [voice.id for voice in VoiceCatalog(options).voices()] == ["heart"]
        with pytest.raises(EngineUnavailable, match="piper"):
            make_engine("piper", options)

    def test_finds_a_voice_by_language_and_prefers_its_region(self) -> None:
        catalog = voice_catalog()

        assert catalog.voice_for("").id == "high"
        assert catalog.voice_for("en-GB").id == "high"
        assert catalog.voice_for("de_DE").id == "tief"

    def test_names_the_languages_when_none_fits(self) -> None:
        with pytest.raises(LanguageUnspoken, match="en, de"):
            voice_catalog().voice_for("fi")

    def test_names_the_voices_when_the_id_is_unknown(self) -> None:
        with pytest.raises(VoiceUnknown, match="high, low, tief"):
            voice_catalog().voice("felix")

    def test_refuses_an_engine_that_does_not_exist(self, options: EngineOptions) -> None:
        with pytest.raises(EngineUnavailable):
            make_engine("gramophone", options)

    def test_keeps_the_key_out_of_what_is_printed(self, tmp_path: Path) -> None:
        options = EngineOptions(chosen="openai", voices_dir=tmp_path, api_key="sk-very-secret")

        assert "sk-very-secret" not in repr(options)
