"""How long the silences of a script are: after sentences, paragraphs, turns and chapters."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from production.script import PlacedSentence, Script

SENTENCE_SECONDS = 0.35
TURN_SECONDS = 0.5
PARAGRAPH_SECONDS = 0.6
CHAPTER_SECONDS = 1.2
HEAD_SECONDS = 0.3
TAIL_SECONDS = 0.8


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds of silence: one `before` each sentence, and the `tail` after the last."""

    before: tuple[float, ...]
    tail: float


def plan_pauses(script: Script, *, speed: float = 1.0) -> Pauses:
    """Plan the silences of a script; faster speech has shorter pauses, head and tail stay."""
    sentences = list(script.sentences())
    between = [_pause(first, second) / speed for first, second in pairwise(sentences)]
    return Pauses(before=(HEAD_SECONDS, *between), tail=TAIL_SECONDS)


def _pause(first: PlacedSentence, second: PlacedSentence) -> float:
    if first.chapter != second.chapter:
        return CHAPTER_SECONDS
    reasons = [SENTENCE_SECONDS]
    if first.segment != second.segment:
        reasons.append(TURN_SECONDS)
    if first.sentence.paragraph_end:
        reasons.append(PARAGRAPH_SECONDS)
    return max(reasons)
