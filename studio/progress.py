"""How far an episode is on its way from prompt to audio, as one phase and one percentage."""

from __future__ import annotations

from episodes.models import Episode
from studio.models import Generation
from studio.states import GenerationState, Phase

#: Where each phase of writing begins, in percent; rendering fills most of the way.
_BEGINS = {Phase.NONE: 1, Phase.SCRIPT: 5, Phase.VOICES: 30, Phase.LENGTH: 60}
_PRODUCING_FROM = 70
#: The percentages of a phase lie within this distance of its beginning.
_WIDTH = {Phase.NONE: 1, Phase.SCRIPT: 25, Phase.VOICES: 30, Phase.LENGTH: 10}


def progress_of(episode: Episode, generation: Generation | None) -> dict[str, object]:
    """`phase` and `progress_pct`; 100 only when there is audio."""
    production = getattr(episode, "production", None)
    if generation is None or generation.state == GenerationState.PRODUCING:
        done = production.percent if production else 0
        return {"phase": "audio", "progress_pct": _PRODUCING_FROM + done * 29 // 100}
    if generation.state == GenerationState.WRITING:
        phase = Phase(generation.phase)
        done = _BEGINS[phase] + generation.percent * _WIDTH[phase] // 100
        return {"phase": phase or "script", "progress_pct": done}
    return {"phase": "queued", "progress_pct": 0}
