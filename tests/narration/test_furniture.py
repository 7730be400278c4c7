from __future__ import annotations

from narration.furniture import parted
from production.document import Block

TEXT = tuple(
    Block("paragraph", f"Sentence {word} of a text that two readings find alike, and that is long.")
    for word in ("one", "two", "three")
)
DATE = Block("paragraph", "22 October 2019")
LEAD = Block("paragraph", "The first sentence, which the stricter reading loses.")
HEADING = Block("heading", "Contents", 2)
COMMENT = Block("paragraph", "Seen two hours ago: what a text, I have never read the like.")
FOOTNOTE = Block("footnote", "See the report of 1872.")


def test_furniture_is_what_follows_the_last_words_and_lines_before_the_first():
    blocks = (DATE, LEAD, HEADING, TEXT[0], HEADING, *TEXT[1:], COMMENT, FOOTNOTE)

    article, furniture = parted(blocks, TEXT, least=100)

    assert article == (LEAD, HEADING, TEXT[0], HEADING, *TEXT[1:], FOOTNOTE)
    assert furniture == tuple(Block("boilerplate", block.text) for block in (DATE, COMMENT))


def test_paragraphs_count_that_the_stricter_reading_joins_or_breaks_in_lines():
    joined = Block("paragraph", TEXT[0].text + TEXT[1].text)
    broken = Block("paragraph", f"End.\n{DATE.text}")

    assert parted((*TEXT[:2], DATE), (joined, broken), least=100) == ((*TEXT[:2], DATE), ())


def test_a_stricter_reading_that_finds_little_or_nothing_is_not_believed():
    blocks = (TEXT[0], *[COMMENT] * 3)

    for strict, least in (((), 100), (TEXT[:1], 100), ((*TEXT[:1], COMMENT), 10_000)):
        assert parted(blocks, strict, least=least) == (blocks, ())
