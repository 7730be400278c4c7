from __future__ import annotations

import pytest

from narration.languages import language_of

ENGLISH = "The trains of the valley are never late, and people set their clocks by them. " * 5
GERMAN = "Die Züge im Tal kommen nie zu spät, und die Leute stellen ihre Uhren danach. " * 5
FRENCH = "Les trains de la vallée ne sont jamais en retard, et les gens s'y fient toujours. " * 5
JAPANESE = "谷の列車は決して遅れることがなく、人々はそれに合わせて時計を直します。" * 8


@pytest.mark.parametrize(
    ("text", "language"),
    [(ENGLISH, "en"), (GERMAN, "de"), (FRENCH, "fr"), (JAPANESE, "ja")],
)
def test_knows_the_language_of_a_text(text, language):
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("declared", "language"),
    [("en-GB", "en-GB"), ("en_us", "en-US"), ("EN", "en"), ("zh-Hant-TW", "en"), ("de", "en")],
)
def test_a_long_text_beats_a_wrong_declaration_and_takes_the_region_of_a_right_one(
    declared, language
):
    assert language_of(ENGLISH, declared=declared) == language


def test_a_declaration_decides_for_a_short_text():
    assert language_of("Taxi!", declared="de-AT") == "de-AT"


@pytest.mark.parametrize("declared", ["", "  ", "klingon!", "<b>", "e", "en-" + "x" * 90, "\x00"])
def test_an_odd_declaration_counts_as_none(declared):
    assert language_of(GERMAN, declared=declared) == "de"


def test_no_text_has_the_default_language():
    assert language_of(" ", default="fr") == "fr"


class TestTextThatSaysLittle:
    @pytest.mark.parametrize(
        "text", ["😀" * 150, ". , ! ? " * 40, "x" * 400, "word " * 40, "test " * 40, "Hello! " * 30]
    )
    def test_is_taken_for_the_default_instead_of_a_guess(self, text: str) -> None:
        assert language_of(text) == "en"

    def test_is_taken_for_the_default_when_it_is_no_language_at_all(self) -> None:
        marks = "lol ok brb gtg ttyl omg idk wtf thx np pls u r gr8 m8 kk nvm imo tbh smh fyi afaik irl rn "

        assert language_of(marks) == language_of(marks * 3) == "en"

    def test_is_believed_in_a_script_of_its_own(self) -> None:
        assert language_of("これは日本語の文章です。" * 20) == "ja"
