"""Makes voice engines by name; reads no settings, so that renderer processes need none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from production.voices.base import EngineUnavailable, VoiceEngine
from production.voices.fake import FakeEngine
from production.voices.openai import OpenAIEngine
from production.voices.piper import PiperEngine


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """All that the engines need to know; small and plain, so that it travels to other processes."""

    chosen: str
    voices_dir: Path
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    model: str = "tts-1"


def _hibari() -> VoiceEngine:
    # Its package and scipy below take a while to load, which processes without voices need not wait.
    from production.voices.hibari import HibariEngine

    return HibariEngine()


_MAKERS: dict[str, Callable[[EngineOptions], VoiceEngine]] = {
    "hibari": lambda _options: _hibari(),
    "piper": lambda options: PiperEngine(voices_dir=options.voices_dir),
    "openai": lambda options: OpenAIEngine(
        base_url=options.base_url, api_key=options.api_key, model=options.model
    ),
    "fake": lambda _options: FakeEngine(),
}


def make_engine(name: str, options: EngineOptions) -> VoiceEngine:
    """Make the engine called `name`; raises EngineUnavailable when it cannot work here."""
    try:
        maker = _MAKERS[name]
    except KeyError:
        raise EngineUnavailable(f"There is no voice engine called {name!r}.") from None
    return maker(options)
