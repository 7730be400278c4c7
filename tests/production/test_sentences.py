from __future__ import annotations

import pytest

from production import sentences
from production.sentences import WINDOW, split_sentences


def packed(text):
    return "".join(text.split())


@pytest.mark.parametrize(
    "expected",
    [
        ["Dr. Smith met Mr. J. K. Smith.", "They talked."],
        ["It grew by 3.5 percent.", "Version 2.0.1 is out."],
        ["He lives in the U.S. government's house.", "He left."],
        ["Use it, e.g. in London, i.e. there.", "See Fig. 3 and pp. 5-7."],
        ["He left at 5 p.m.", "She stayed until 9 a.m. on Monday."],
        ["Visit https://example.com/a.b?c=d.", "Mail a.b@example.org.", "Then go to example.com."],
        ["See www.example.org/a.", "Then stop."],
        ["He said 'Go.'", "Then left."],
        ["He said: “Go!”", "Then he left.", "“It is done.”"],
        ["“Is it so?” he asked.", "“Yes.”", "“No.”"],
        ["(It was so.)", "E.g. this one."],
        ["What?!", "Really?", "Yes!"],
        ["Wait… what is it?", "Nothing."],
        ["Read No. 5 first.", "He said no.", "No. 7 is next."],
        ["He works at Acme Inc. in Berlin.", "It is big."],
        ["W. E. B. Du Bois wrote it.", "We read it."],
        ["1. Take the first.", "2. Take the second."],
        ["Gov. Smith and Sen. Jones vs. Rep. Roe.", "They met."],
        ["It was founded approx. 1890.", "Est. 1999 elsewhere."],
        ["It grew.[1]", "It shrank.[2]", "It died."],
        ["Sales fell.", "iPhone sales fell.", "eBay too."],
        ["Call System.out.println.", "Then foo.Bar() is done."],
    ],
)
def test_splits_english(expected):
    assert split_sentences(" ".join(expected)) == expected


def test_splits_where_a_space_is_missing():
    assert split_sentences("It ended.The next began.") == ["It ended.", "The next began."]


def test_parts_paragraphs_at_blank_lines():
    assert split_sentences("A heading\n \nThe text") == ["A heading", "The text"]


def test_splits_japanese():
    assert split_sentences("これは本です。それはペンです。", "ja") == [
        "これは本です。",
        "それはペンです。",
    ]


@pytest.mark.parametrize("language", ["en-GB", "de", "zz", "", "../../etc", "EN_us", "\x00"])
def test_accepts_any_language(language):
    assert split_sentences("One is here. Two is there.", language) == [
        "One is here.",
        "Two is there.",
    ]


@pytest.mark.parametrize("text", ["", " ", "\n\n\n", "\t"])
def test_finds_nothing_in_white_space(text):
    assert split_sentences(text) == []


HOSTILE = [
    ".", "'", '"', "(", ")", ".)", "a.a.", "a b ", "! ", "?!", "Dr. ", "A. ", "1.", "[1]", "“",
    "。", "x", "www.", "http://", "https://a.b. ", "a@b.", "It is. ", "He said 'a. ", "\n ", "\x00",
    "…", ". . ", "No. ", "e.g. ", "\u200b", "😀",
]  # fmt: skip


@pytest.mark.parametrize("pattern", HOSTILE)
def test_loses_no_character_of_hostile_text(pattern):
    text = pattern * (60_000 // len(pattern))

    assert packed("".join(split_sentences(text))) == packed(text)


@pytest.mark.parametrize("pattern", HOSTILE)
def test_hands_the_splitter_little_at_a_time_and_in_all_only_a_few_times_the_text(
    pattern, monkeypatch
):
    handed = []
    segment = sentences.sentencex.segment

    def counting(language, text):
        handed.append(len(text))
        return segment(language, text)

    monkeypatch.setattr(sentences.sentencex, "segment", counting)
    text = pattern * (100_000 // len(pattern))

    split_sentences(text)

    assert max(handed, default=0) <= WINDOW
    assert sum(handed) <= 4 * len(text) + WINDOW
