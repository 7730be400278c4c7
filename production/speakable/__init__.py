"""Speakable text: turns what is shown into what a voice engine can say without guessing."""

from __future__ import annotations

from production.speakable import other_languages
from production.speakable.cleaning import clean, tidy
from production.speakable.english import speak_english


def speak(text: str, language: str = "en") -> str:
    """Return the spoken form of shown text, on one line; "" when nothing in it can be said.

    English is spelled out in full. In other languages numbers are spelled out where num2words can,
    with the usual symbols; the rest is cleaned and kept. `language` is a tag such as "en-GB".
    """
    cleaned = clean(text)
    tag = language.replace("_", "-").lower()
    if tag == "en" or tag.startswith("en-"):
        return tidy(speak_english(cleaned, tag))
    return tidy(other_languages.speak_other(cleaned, tag))
