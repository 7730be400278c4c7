"""Which voices this installation offers, by settings; finds them by id or language."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from django.conf import settings

from core.errors import Invalid
from production.voices.base import (
    EngineUnavailable,
    Voice,
    VoiceEngine,
    VoiceUnknown,
    primary_language,
)
from production.voices.engines import EngineOptions, make_engine


class LanguageUnspoken(Invalid):
    """No voice speaks the language; the message names the languages that are spoken."""

    code = "language_unspoken"

    def __init__(self, language: str, spoken: Sequence[str]) -> None:
        super().__init__(
            f"No voice speaks {language!r}. Languages on offer: {', '.join(spoken)}.",
            field="language",
            details={"language": language, "offered": list(spoken)},
        )


#: Engines that need no setting: offered beside the chosen one wherever they are installed.
_LOCAL = ("hibari", "piper")


class VoiceCatalog:
    """The voices of the chosen engine, then those of the other local engines, each id once."""

    def __init__(self, options: EngineOptions) -> None:
        self.options = options
        self._engines: dict[str, VoiceEngine] = {
            options.chosen: make_engine(options.chosen, options)
        }
        if options.chosen in _LOCAL:
            for name in _LOCAL:
                self._add_if_installed(name)

    def _add_if_installed(self, name: str) -> None:
        if name not in self._engines:
            try:
                self._engines[name] = make_engine(name, self.options)
            except EngineUnavailable:
                return  # an extra that is not installed is not on offer

    def voices(self) -> tuple[Voice, ...]:
        """List every voice on offer; the first is the default."""
        found: dict[str, Voice] = {}
        for engine in self._engines.values():
            for voice in engine.voices():
                found.setdefault(voice.id, voice)
        if not found:
            raise EngineUnavailable(f"The voice engine {self.options.chosen} offers no voice.")
        return tuple(found.values())

    def voice(self, voice_id: str) -> Voice:
        """Find a voice by its id, or raise VoiceUnknown."""
        voices = self.voices()
        for voice in voices:
            if voice.id == voice_id:
                return voice
        raise VoiceUnknown(voice_id, [voice.id for voice in voices])

    def voice_for(self, language: str = "") -> Voice:
        """Find the best voice for a language tag; "" means the default voice.

        The same region wins over another region. Raises LanguageUnspoken.
        """
        voices = self.voices()
        if not primary_language(language):
            return voices[0]
        speakers = [voice for voice in voices if voice.speaks(language)]
        if not speakers:
            raise LanguageUnspoken(language, self.languages())
        tag = language.replace("_", "-").lower()
        return next((voice for voice in speakers if voice.language.lower() == tag), speakers[0])

    def languages(self) -> tuple[str, ...]:
        """List the languages that voices on offer are made for, such as "en", each once."""
        return tuple(dict.fromkeys(primary_language(voice.language) for voice in self.voices()))

    def engine_of(self, voice_id: str) -> VoiceEngine:
        """Return the engine that a voice belongs to, or raise VoiceUnknown."""
        return self._engines[self.voice(voice_id).engine]


def options_from_settings() -> EngineOptions:
    """Read the engine options from Django's settings."""
    return EngineOptions(
        chosen=settings.TTS_ENGINE,
        voices_dir=Path(settings.DATA_DIR) / "voices",
        base_url=settings.TTS_BASE_URL,
        api_key=settings.TTS_API_KEY,
        model=settings.TTS_MODEL,
    )


def voice_catalog() -> VoiceCatalog:
    """Return this process's catalogue for the settings as they are."""
    return _catalog_for(options_from_settings())


@cache
def _catalog_for(options: EngineOptions) -> VoiceCatalog:
    return VoiceCatalog(options)
