from __future__ import annotations

import itertools

import pytest

from studio.writers.base import (
    LanguageUnwritten,
    Material,
    NothingToWriteFrom,
    Passage,
    PlanRequest,
    ScriptRequest,
    Speaker,
)
from studio.writers.extractive import ExtractiveWriter
from studio.writers.sentences import best_sentences, sentences_of

SPEAKERS = (Speaker("aaaaaaaa", "Ada"), Speaker("bbbbbbbb", "Bob"))
PARAGRAPH = (
    "The river town of Number {number} kept its market for {number} hundred years. Every spring the "
    "boats came up from the coast with salt. Nobody remembers who built the oldest of the quays."
)


def material(number=1, *, sections=3, paragraphs=2, language="en", title="The river") -> Material:
    passages = [
        Passage(
            id=f"{number}.{section * paragraphs + place + 1}",
            text=PARAGRAPH.format(number=number * 100 + section * 10 + place),
            heading=f"Part {section + 1}",
        )
        for section in range(sections)
        for place in range(paragraphs)
    ]
    return Material(number, f"s{number}", title, "", language, tuple(passages))


def script_request(*materials, seconds=600.0, speakers=SPEAKERS, language="en"):
    return ScriptRequest(
        prompt="",
        outline=None,
        materials=materials,
        speakers=speakers,
        language=language,
        seconds=seconds,
        podcast_title="Rivers",
    )


def plan_request(*materials, episodes=1, language="en"):
    return PlanRequest(
        prompt="",
        materials=materials,
        speakers=SPEAKERS,
        language=language,
        episodes=episodes,
    )


def said(draft):
    return [turn for chapter in draft.chapters for turn in chapter.turns]


@pytest.fixture
def writer():
    return ExtractiveWriter()


def nothing():
    pass


class TestWrite:
    def test_says_only_sentences_of_the_sources_but_for_the_greeting(self, writer):
        one = material()

        draft = writer.write(script_request(one), check=nothing).draft

        known = {s.text for s in sentences_of(one.passages, "en")}
        for chapter in draft.chapters[1:]:
            for turn in chapter.turns:
                words = turn.text.removeprefix(f"{chapter.title}. ")
                assert set(words.split(". ")) <= {s.rstrip(".") for s in known} | known
        assert draft.chapters[0].turns[0].text == "Welcome to Rivers. I am Ada."

    def test_has_the_hosts_alternate_by_section_and_keeps_the_passages(self, writer):
        draft = writer.write(script_request(material()), check=nothing).draft

        hosts = [turn.host for chapter in draft.chapters[1:] for turn in chapter.turns]
        assert set(hosts) == {"aaaaaaaa", "bbbbbbbb"}
        assert all(one != other for one, other in itertools.pairwise(hosts))
        assert all(turn.passages for chapter in draft.chapters[1:] for turn in chapter.turns)

    def test_makes_a_chapter_of_each_heading_or_of_each_source(self, writer):
        one = writer.write(script_request(material()), check=nothing).draft
        two = writer.write(
            script_request(material(1, title="First"), material(2, title="Second")), check=nothing
        ).draft

        assert [chapter.title for chapter in one.chapters] == ["", "Part 1", "Part 2", "Part 3"]
        assert [chapter.title for chapter in two.chapters] == ["", "First", "Second"]

    def test_is_cut_to_the_length_and_adjusted_by_what_was_measured(self, writer):
        request = script_request(material(sections=20), seconds=120.0)

        draft = writer.write(request, check=nothing).draft
        shorter = writer.adjust(request, draft, measured_seconds=240.0, check=nothing).draft

        assert draft.characters == pytest.approx(120 * 15, rel=0.15)
        assert shorter.characters == pytest.approx(draft.characters / 2, rel=0.2)

    def test_works_with_one_host_and_in_another_language(self, writer):
        request = script_request(material(language="fr"), speakers=SPEAKERS[:1], language="fr")

        draft = writer.write(request, check=nothing).draft

        assert {turn.host for turn in said(draft)} == {"aaaaaaaa"}
        assert "Welcome" not in said(draft)[0].text

    def test_does_not_translate(self, writer):
        with pytest.raises(LanguageUnwritten, match="does not translate"):
            writer.write(script_request(material(language="de")), check=nothing)


class TestPlan:
    @pytest.mark.parametrize("episodes", [1, 2, 3, 8])
    def test_deals_all_passages_out_in_order(self, writer, episodes):
        one = material(sections=16)

        plan = writer.plan(plan_request(one, episodes=episodes), check=nothing)

        assert len(plan.outlines) == episodes
        dealt = [name for outline in plan.outlines for name in outline.passages]
        assert dealt == [passage.id for passage in one.passages]
        sizes = [len(outline.passages) for outline in plan.outlines]
        assert max(sizes) <= 2 * min(sizes) + 2
        assert all(outline.title for outline in plan.outlines)

    def test_refuses_a_bare_prompt_and_says_how_to_configure_a_model(self, writer):
        with pytest.raises(NothingToWriteFrom) as refused:
            writer.require_enough(prompt="Bridges", materials=(), episodes=1)

        assert "WRITER=openai" in refused.value.message
        assert "WRITER=gguf" in refused.value.message

    def test_refuses_more_episodes_than_there_is_text_for(self, writer):
        with pytest.raises(NothingToWriteFrom, match="ask for 3 at most"):
            writer.plan(plan_request(material(), episodes=8), check=nothing)

    def test_refuses_sources_without_a_word(self, writer):
        marks = Material(
            1, "s1", "", "", "en", (Passage(id="1.1", text="😀 … " * 200, heading=""),)
        )

        with pytest.raises(NothingToWriteFrom, match="fewer than"):
            writer.plan(plan_request(marks), check=nothing)


class TestSentences:
    def test_are_chosen_within_half_a_sentence_and_keep_their_order(self):
        sentences = sentences_of(material(sections=10).passages, "en")
        total = sum(len(one.text) for one in sentences)

        chosen = best_sentences(sentences, total / 3)

        assert sum(len(one.text) for one in chosen) == pytest.approx(total / 3, abs=100)
        assert [sentences.index(one) for one in chosen] == sorted(
            sentences.index(one) for one in chosen
        )
        assert best_sentences(sentences, 1.0)
        assert best_sentences(sentences, 10**9) == sentences
