"""Cleaning before and tidying after: characters that no voice can say, spaces, punctuation."""

# ruff: noqa: PLR2004 - the numbers of clock, calendar and grammar speak for themselves
# ruff: noqa: RUF001 - unusual characters are this module's subject

from __future__ import annotations

import re
import unicodedata

# Symbols (Unicode "So", "Sk") that later steps read aloud; all others of these kinds are dropped.
SAID_SYMBOLS = frozenset("°©№℃℉‰™®`^→←↑↓↔⇒➔")

_PLAIN = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u2032": "'", "\u02bc": "'",
        "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u2033": '"',
        "\u00ab": '"', "\u00bb": '"', "\u2039": "'", "\u203a": "'",
        "\u2010": "-", "\u2011": "-", "\u2012": "\u2013", "\u2015": "\u2014", "\u2212": "-",
        "\uff0b": "+", "\uff05": "%", "\u2044": "/", "\u2215": "/", "\u00b5": "μ",
        "\u2103": "°C", "\u2109": "°F", "\u2116": "No. ", "\u00ad": None, "\u00a0": " ",
        "\u2022": ", ", "\u00b7": " ", "\u2020": None, "\u2021": None,
    }
)  # fmt: skip
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk"})
_FOOTNOTE = re.compile(
    r"\[(?:\d{1,3}(?:[,–-] ?\d{1,3}){0,5}|[a-z]|note \d{1,3}|citation needed|edit|sic)\]"
)
_SUPERSCRIPT_NOTE = re.compile(r"(?<=[^\W\d_]{3})[¹²³⁰⁴-⁹]{1,3}|(?<=[.,;:!?\"')])[¹²³⁰⁴-⁹]{1,3}")
_GROUPED = re.compile(r"(?<![\d.,])(\d{1,3})((?:[\u202f\u2009\u00a0]\d{3}){1,4})(?!\d)")
_GROUP_SPACE = re.compile(r"[\u202f\u2009\u00a0]")
_KEYCAP = re.compile("([0-9#*])\ufe0f?\u20e3")
_ELLIPSIS = re.compile(r"\.(?: ?\.){2,}")
_REPEATED = re.compile(r"([^\w\s.…])\1{2,}")
_SYMBOL_RUN = re.compile(r"(?<!\S)[#*=_~+<>|/\\^{}\[\]:;.,'\"`()-]{4,}(?!\S)")
_WORD = re.compile(r"\S+")
_DRAWING_MARKS = frozenset("\\/_^~*=<>|;")
_SPACES = re.compile(r"\s+")
_SPACE_BEFORE = re.compile(r" +(?=[,.;:!?…)])")
_SPACE_AFTER = re.compile(r"(?<=[(]) +")
_EMPTY_BRACKETS = re.compile(r"\( ?\)")
_DOUBLED = re.compile(r"(?:[,;:](?: ?[,;:])+)")
_BEFORE_END = re.compile(r"[,;:] ?(?=[.!?…])")
# Not after ".": that one may belong to an abbreviation.
_AFTER_END = re.compile(r"(?<=[!?…])(?: ?[,;:])+")
_LEADING = re.compile(r"^[\s,.;:!?…)\]–—-]+")


def clean(text: str) -> str:
    """Compose characters, drop emoji, controls, footnote marks and rules; unify quotes and dashes."""
    text = _KEYCAP.sub(r"\1", unicodedata.normalize("NFC", text))
    text = _GROUPED.sub(lambda found: found[1] + _GROUP_SPACE.sub(",", found[2]), text)
    text = _SUPERSCRIPT_NOTE.sub("", _FOOTNOTE.sub("", text))
    text = text.translate(_PLAIN).translate(_SUBSCRIPTS)
    text = "".join(_kept(character) for character in text)
    text = _ELLIPSIS.sub("…", text)
    text = _REPEATED.sub(_shorten, text)
    text = _SYMBOL_RUN.sub(" ", text)
    text = _WORD.sub(_without_drawing, text)
    return _SPACES.sub(" ", text).strip()


def tidy(text: str) -> str:
    """Mend spaces and punctuation after replacements; a text without letters becomes ""."""
    text = _SPACES.sub(" ", text)
    text = _SPACE_AFTER.sub("", _SPACE_BEFORE.sub("", text))
    text = _EMPTY_BRACKETS.sub("", text)
    text = _DOUBLED.sub(lambda found: found[0][0], text)
    text = _AFTER_END.sub("", _BEFORE_END.sub("", text))
    text = _LEADING.sub("", _SPACES.sub(" ", text)).strip()
    return text if any(character.isalnum() for character in text) else ""


def _kept(character: str) -> str:
    if character in SAID_SYMBOLS or (character.isascii() and character.isprintable()):
        return character
    category = unicodedata.category(character)
    if character.isspace() or category in {"Zl", "Zp", "Zs"}:
        return " "
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in _DROPPED_CATEGORIES:
        # A zero-width character leaves no gap; an emoji stands where a word could.
        return " " if category == "So" else ""
    if 0xFE00 <= ord(character) <= 0xFE0F:
        return ""
    return character


def _without_drawing(found: re.Match[str]) -> str:
    """Drop a face made of signs around a foreign letter or two."""
    word = found[0]
    if word.isascii() or sum(mark in _DRAWING_MARKS for mark in word) < 2:
        return word
    letters = [character for character in word if character.isalnum()]
    return word if len(letters) > 2 or any(map(str.isascii, letters)) else " "


def _shorten(found: re.Match[str]) -> str:
    mark = found[1]
    if mark in "!?":
        return mark
    return "—" if mark in "-–—" and len(found[0]) == 3 else " "
