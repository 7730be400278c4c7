"""What is taken out of a huge page, and that no text goes with it."""

from __future__ import annotations

import pytest

from narration.slimming import HUGE, slimmed

FILLER = "x" * HUGE


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<SCRIPT src=a>if (a < b) {}</SCRIPT >text", "<SCRIPT src=a></SCRIPT >text"),
        ("<style>p {}</style>text", "<style></style>text"),
        (
            '<script type="application/ld+json">{}</script>text',
            '<script type="application/ld+json">{}</script>text',
        ),
        ("<!-- <script> -->text<script>1</script>", "<!-- <script> -->text<script></script>"),
        ("<!-->text<script>1</script>", "<!-->text<script></script>"),
        ("<!-- no end <script>1</script>", "<!-- no end <script>1</script>"),
        ("text<script>no end", "text<script>no end"),
        (f"<img src='data:image/png;base64,{'A' * 300}'>text", "<img src='data:'>text"),
        ("<scripture>text</scripture>", "<scripture>text</scripture>"),
    ],
)
def test_takes_out_what_is_no_text(html, left):
    assert slimmed(FILLER + html) == FILLER + left


def test_leaves_a_page_of_usual_size_as_it_is():
    html = "<script>1</script>text"

    assert slimmed(html) == html
