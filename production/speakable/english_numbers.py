"""English number words: cardinals, ordinals, decimals, years and digit strings."""

# ruff: noqa: PLR2004 - the numbers of clock, calendar and grammar speak for themselves

from __future__ import annotations

import re

from num2words import num2words

# A written number, for use inside other patterns: grouped by thousands, grouped as in India, or
# plain; with decimals or without.
# Every repetition is bounded, so that no input makes a pattern retry a long run of digits.
NUMBER = (
    r"(?:\d{1,3}(?:,\d{3}){1,5}(?!\d)(?:\.\d{1,12})?|\d{1,2}(?:,\d{2}){1,4},\d{3}(?!\d)"
    r"|\d{1,15}(?:\.\d{1,12})?|\.\d{1,12})"
)
# What must not stand before a number that a pattern starts with.
NUMBER_START = r"(?<![\w.])(?<!\d,)"

LAST_WHOLE_DIGITS = 9
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SMALL = tuple(str(num2words(number)) for number in range(1000))


def cardinal(number: int) -> str:
    """Say a whole number as Americans do: "two hundred thirty-four", without "and"."""
    if 0 <= number < len(_SMALL):
        return _without_and(_SMALL[number])
    return _without_and(str(num2words(number)))


def ordinal(number: int) -> str:
    """Say a position: "twenty-first"."""
    return _without_and(str(num2words(number, to="ordinal")))


def digits(text: str) -> str:
    """Say each ASCII digit of `text` by itself, skipping everything else."""
    return " ".join(_DIGITS[int(character)] for character in text if character in "0123456789")


def year(number: int) -> str:
    """Say a year between 1000 and 2999: "eighteen seventy-two", "two thousand nine"."""
    hundreds, rest = divmod(number, 100)
    if hundreds % 10 == 0 and rest < 10:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(hundreds)} hundred"
    return f"{cardinal(hundreds)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def plural(words: str) -> str:
    """Make the last of some number words plural: "nineties", "twenty sixes"."""
    if words.endswith("y"):
        return f"{words[:-1]}ies"
    return words + ("es" if words.endswith(("x", "s")) else "s")


def amount(literal: str) -> str:
    """Say what NUMBER matches: "1,234.50" is one thousand two hundred thirty-four point five zero.

    Numbers with leading zeros or more than nine digits are said digit by digit unless grouped.
    """
    whole, point, fraction = literal.partition(".")
    plain = whole.replace(",", "")
    if not plain:
        words = ""
    elif (len(plain) > 1 and plain[0] == "0") or ("," not in whole and is_long(plain)):
        words = digits(plain)
    else:
        words = cardinal(int(plain))
    return f"{words} point {digits(fraction)}".strip() if point else words


def is_long(plain: str) -> bool:
    """Tell whether an ungrouped run of digits is an identifier rather than a quantity."""
    return len(plain) > LAST_WHOLE_DIGITS and len(plain.rstrip("0")) != 1


def is_one(literal: str) -> bool:
    """Tell whether a written number takes the singular."""
    return literal in {"1", "-1"}


_AND = re.compile(r",| and(?= )")


def _without_and(words: str) -> str:
    return _AND.sub("", words)
