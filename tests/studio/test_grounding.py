from __future__ import annotations

import pytest

from studio.grounding import find_ungrounded, with_passages
from studio.writers.base import Draft, DraftChapter, Material, Passage, Turn

MATERIAL = Material(
    number=1,
    source_id="s",
    title="The Harrow bridge",
    url="",
    language="en",
    passages=(
        Passage("1.1", "The bridge at Harrow Point was opened in 1871 for 24,000 pounds."),
        Passage("1.2", 'Ada Harrow said: "We measured every beam twice." It rained in June.'),
    ),
)


def draft_of(text):
    turn = Turn(host="aaaaaaaa", text=text)
    return Draft(title="t", description="", chapters=(DraftChapter(title="c", turns=(turn,)),))


def found(text, *, language="en", allowed=("Ada", "Bob")):
    findings = find_ungrounded(draft_of(text), (MATERIAL,), allowed=allowed, language=language)
    return [(one["kind"], one["text"]) for one in findings]


@pytest.mark.parametrize(
    "text",
    [
        "The bridge at Harrow Point was opened in 1871.",
        "It cost 24000 pounds. That is 24,000 pounds!",
        "She said “We measured every beam twice.”",
        "Bob, it rained in June.",
        "Harrow's bridge is old. I think so. However, nobody knows.",
    ],
)
def test_finds_nothing_in_what_stands_in_the_sources(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("It was opened in 1872.", "date", "1872"),
        ("It cost 25,000 pounds.", "number", "25,000"),
        ("It rained on 3 June.", "date", "3"),
        ("It rained in August.", "date", "August"),
        ("Then Winston Churchill came.", "name", "Winston Churchill"),
        ('She said "We never measured anything."', "quote", "We never measured anything."),
        ("See https://evil.example/x for more.", "address", "https://evil.example/x"),
    ],
)
def test_lists_what_stands_in_none(text, kind, what):
    assert (kind, what) in found(text)


def test_lists_each_statement_once_and_says_where():
    findings = find_ungrounded(
        draft_of("In 1990 it stood. In 1990 it fell."), (MATERIAL,), allowed=(), language="en"
    )

    assert len(findings) == 1
    assert findings[0] | {} == {
        "kind": "date",
        "text": "1990",
        "sentence": "In 1990 it stood.",
        "chapter": 0,
        "segment": 0,
    }


def test_takes_no_german_noun_for_a_name():
    assert found("Die Brücke war im Winter geschlossen.", language="de") == []
    assert ("name", "Angela Merkel") in found("Dort war Angela Merkel.", language="de")


def test_finds_the_passages_that_a_turn_rests_on():
    draft = with_passages(draft_of("Every beam was measured twice by Harrow."), (MATERIAL,))

    assert draft.chapters[0].turns[0].passages[0] == "1.2"
