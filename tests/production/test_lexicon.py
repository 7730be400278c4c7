# ruff: noqa: RUF001 - phonemes have letters of their own

from __future__ import annotations

import pytest

from production.lexicon import Lexicon, Pronunciation
from production.speakable import speak
from production.voices.base import with_phonemes, without_phonemes


def said(text, *entries):
    return Lexicon(Pronunciation(*entry) for entry in entries).speak(text, speak)


class TestLexicon:
    def test_changes_nothing_when_it_is_empty(self):
        assert said("In 1872 it cost $5.") == speak("In 1872 it cost $5.")

    def test_respells_whole_words_in_any_case(self):
        heard = said("Nginx, nginx and NGINXes.", ("nginx", "engine ex"))

        assert heard == speak("engine ex, engine ex and NGINXes.")

    def test_takes_a_word_with_capitals_as_it_is_written_only(self):
        assert said("US troops told us.", ("US", "you ess")) == "you ess troops told us."

    def test_prefers_the_longer_phrase(self):
        heard = said("New York, York", ("york", "yawk"), ("new york", "noo yawk"))

        assert heard == "noo yawk, yawk"

    def test_lets_the_later_of_two_win(self):
        assert said("SQL", ("SQL", "squeal"), ("SQL", "sequel")) == "sequel"

    def test_knows_a_word_with_signs(self):
        assert said("I write C++.", ("C++", "see plus plus")) == "I write see plus plus."

    def test_gives_phonemes_to_the_engine_with_the_word(self):
        heard = said("Joaquin paid $5.", ("Joaquin", "", "wɑːkˈiːn"))

        assert heard == "[Joaquin](/wɑːkˈiːn/) paid five dollars."

    def test_keeps_many_words_with_phonemes_apart(self):
        words = [f"{chr(97 + number % 26)}{chr(97 + number // 26)}x" for number in range(60)]

        heard = said(" ".join(words), *((word, "", f"p{word}") for word in words))

        assert heard == " ".join(f"[{word}](/p{word}/)" for word in words)

    @pytest.mark.parametrize("word", [".*", "(", "[a]", "\\"])
    def test_takes_no_word_for_a_pattern(self, word):
        assert said("Plain words.", (word, "x")) == "Plain words."


class TestNotation:
    def test_is_taken_away_for_engines_without_it(self):
        assert without_phonemes("Hi [Jo](/ʤO/), hi.") == "Hi Jo, hi."

    def test_is_written_as_an_engine_wants_it(self):
        assert with_phonemes("[Jo](/ʤO/)", lambda _word, sound: f"[[ {sound} ]]") == "[[ ʤO ]]"

    def test_leaves_ordinary_brackets_alone(self):
        assert without_phonemes("See [1](http://x/) and [a] (b).") == (
            "See [1](http://x/) and [a] (b)."
        )
