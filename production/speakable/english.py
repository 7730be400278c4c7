"""English: the order in which the rules are applied, each seeing what the earlier ones left."""

from __future__ import annotations

import re

from production.speakable.english_abbreviations import say_abbreviations, say_roman_numerals
from production.speakable.english_dates import say_dates, say_times
from production.speakable.english_money import say_money
from production.speakable.english_quantities import say_quantities
from production.speakable.english_symbols import (
    say_fractions_in_one_character,
    say_named_signs,
    say_symbols,
)
from production.speakable.english_units import say_units
from production.speakable.english_web import say_web

_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ\u1e00-\u1eff]")


def speak_english(text: str, language: str) -> str:
    """Spell out cleaned English text; `language` (lower case) decides the order in dates."""
    text = say_web(text)
    text = say_named_signs(text)
    text = say_fractions_in_one_character(text)
    text = say_dates(text, language)
    text = say_times(text)
    text = say_money(text)
    text = say_units(text)
    text = say_abbreviations(text)
    text = say_roman_numerals(text)
    text = say_symbols(say_quantities(text))
    # An English voice is silent about other scripts, and silence must not pass for a sentence.
    return text if _LATIN.search(text) else ""
