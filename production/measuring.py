"""Learns how long a script is when it is spoken, and what speaking it would take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from production.pauses import plan_pauses
from production.rendering import Renderer
from production.script import Script
from production.trimming import SAMPLE_RATE

#: How fast the voices speak on average.
CHARACTERS_PER_SECOND = 15.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What producing a script takes: `to_render` of its `sentences`; `seconds` of audio, roughly."""

    sentences: int
    to_render: int
    characters_to_render: int
    seconds: float


def measure(
    script: Script,
    *,
    renderer: Renderer,
    check: Callable[[], None],
    progress: Callable[[int], None],
) -> float:
    """The length of the finished audio in seconds, pauses included.

    Every sentence is spoken for it, and stays in the cache for the production. Raises what
    Renderer.render and `check` raise.
    """
    pauses = plan_pauses(script)
    samples = 0
    for done, rendered in enumerate(renderer.render(script.sentences(), check=check), 1):
        samples += len(rendered.speech.pcm)
        progress(done)
    return samples / SAMPLE_RATE + sum(pauses.before) + pauses.tail


def estimate(script: Script, *, renderer: Renderer) -> Estimate:
    """What producing the script would take now, on this machine. Raises VoiceUnknown."""
    placed = list(script.sentences())
    missing = [one for one in placed if not renderer.is_cached(one)]
    pauses = plan_pauses(script)
    spoken = sum(len(one.sentence.spoken) for one in placed) / CHARACTERS_PER_SECOND
    return Estimate(
        sentences=len(placed),
        to_render=len(missing),
        characters_to_render=sum(len(one.sentence.spoken) for one in missing),
        seconds=spoken + sum(pauses.before) + pauses.tail,
    )
