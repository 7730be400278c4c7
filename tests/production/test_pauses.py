from __future__ import annotations

import pytest

from production.pauses import (
    CHAPTER_SECONDS,
    HEAD_SECONDS,
    PARAGRAPH_SECONDS,
    SENTENCE_SECONDS,
    TAIL_SECONDS,
    TURN_SECONDS,
    plan_pauses,
)
from production.script import Chapter, Script, Segment, Sentence


@pytest.fixture
def script() -> Script:
    def said(text: str, *, ends: bool = False) -> Sentence:
        return Sentence(text=text, spoken=text, paragraph_end=ends)

    return Script(
        "en",
        (
            Chapter(
                "One",
                (
                    Segment("Ann", "high", (said("A."), said("B.", ends=True), said("C."))),
                    Segment("Bob", "low", (said("D.", ends=True),)),
                    Segment("Ann", "high", (said("E."),)),
                ),
            ),
            Chapter("Two", (Segment("Ann", "high", (said("F."),)),)),
        ),
    )


class TestPlanPauses:
    def test_gives_every_boundary_its_own_silence(self, script: Script) -> None:
        pauses = plan_pauses(script)

        assert pauses.before == (
            HEAD_SECONDS,
            SENTENCE_SECONDS,
            PARAGRAPH_SECONDS,
            TURN_SECONDS,
            PARAGRAPH_SECONDS,
            CHAPTER_SECONDS,
        )
        assert pauses.tail == TAIL_SECONDS

    def test_follows_the_speed_between_sentences(self, script: Script) -> None:
        pauses = plan_pauses(script, speed=2.0)

        assert pauses.before[0] == HEAD_SECONDS
        assert pauses.before[-1] == CHAPTER_SECONDS / 2

    @pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
    def test_is_never_silent_for_three_seconds(self, script: Script, speed: float) -> None:
        pauses = plan_pauses(script, speed=speed)

        assert max(*pauses.before, pauses.tail) < 3.0
