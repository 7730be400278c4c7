"""What is found in the saved pages of the bench, as a whole: it may get better, not worse."""

from __future__ import annotations

from bench.extraction import PAGES, ours, scores


def test_the_saved_pages_are_read_as_well_as_ever():
    pages = sorted(PAGES.glob("*.html"))
    assert len(pages) >= 40

    found = [scores(page, ours) for page in pages]

    precision, recall = (sum(score[part] for score in found) / len(found) for part in (0, 1))
    assert 2 * precision * recall / (precision + recall) >= 0.975
    assert recall >= 0.985
