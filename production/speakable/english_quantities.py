"""English quantities without a unit: ranges, fractions, percentages, years, telephone numbers."""

# ruff: noqa: PLR2004 - the numbers of clock, calendar and grammar speak for themselves
# ruff: noqa: RUF001 - unusual characters are this module's subject
# ruff: noqa: SIM905 - word lists read better as one string

from __future__ import annotations

import re

from production.speakable.english_numbers import (
    NUMBER,
    NUMBER_START,
    amount,
    cardinal,
    digits,
    ordinal,
    plural,
    year,
)

_DASH = r"\s?[-–—]\s?"
_END = r"(?![\w]|[.,]\d)"
_TELEPHONES = (
    re.compile(r"(?<![\w.])\+\d{1,3}(?:[ .()/-]{1,2}\d{1,8}){2,6}(?!\d)"),
    re.compile(r"(?<![\w.(-])(?:1[-. ])?(?:\(\d{3}\)\s?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])"),
    re.compile(r"(?<![\w.,-])0\d{2,5}(?:[ /-]\d{2,8}){1,4}(?![\w,-])"),
    re.compile(r"(?<![\w.,/-])\d{1,7}(?:-\d{1,7}){2,6}(?![\w-])"),
)
_LOCAL_TELEPHONE = re.compile(
    r"(?i:\b(call|dial|phone|fax|tel\.?|telephone|number):?\s)(\d{3})-(\d{4})(?![\w-])"
)
_NOT_DIGITS = re.compile(r"[^\d+]+")
_DOTTED = re.compile(r"(?<![\w.])([vV])?(\d{1,5}(?:\.\d{1,5}){2,})(?![\w])")
_ITEM = re.compile(r"^(\d{1,3})[.)]\s(?=\w)")
_VERSION = re.compile(r"\b[vV](\d{1,5}(?:\.\d{1,5})?)(?![\w.])")
_PERCENT = re.compile(rf"{NUMBER_START}([-+])?({NUMBER})(?:{_DASH}({NUMBER}))?\s?(%|‰)")
_DECADE = re.compile(r"(?<![\w.,])(?:(\d{2})|'(?=\d))?(\d0)'?s\b")
_PLURAL = re.compile(r"(?<![\w.,-])(\d{1,4})s\b")
_ORDINAL = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3}){1,3}|\d{1,9})(?:st|nd|rd|th)\b", re.IGNORECASE)
_MIXED = re.compile(r"(?<![\w./,])(\d{1,4})[ -](\d{1,2})/(\d{1,3})(?![\w/])")
_FRACTION = re.compile(r"(?<![\w./,])(\d{1,4})/(\d{1,4})(?![\w/]|[.,]\d)")
_SAID_PAIRS = {(24, 7), (9, 11), (50, 50), (20, 20), (7, 11), (80, 20), (60, 40), (7, 7)}
_BY = re.compile(rf"{NUMBER_START}({NUMBER}(?:[x×]{NUMBER}){{1,3}})(?!\w)")
_BY_MARK = re.compile(r"[x×]")
_TIMES = re.compile(rf"{NUMBER_START}({NUMBER})[x×](?!\w)")
_POWER = re.compile(r"(?<![\w.])(\d{1,9})(?:\^(-?\d{1,4})|([⁻]?[⁰¹²³⁴-⁹]{1,4}))")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_NUMERO = re.compile(r"\b(No|no|NO|Nos|nos|Nr)\.\s?(?=\d)")
_HASH = re.compile(r"(?<![\w&#])#\s?(?=\d)")
_SCALED = re.compile(rf"{NUMBER_START}([-+])?({NUMBER})\s?(bn|tn|[kKMB])(?![\w'])")
_SCALES = {"k": "thousand", "K": "thousand", "M": "million", "B": "billion"} | {
    "bn": "billion",
    "tn": "trillion",
}
_KEPT_K = frozenset({"2", "4", "5", "8", "10"})
_RANGE = re.compile(rf"(?<![\w.,/-])({NUMBER}){_DASH}({NUMBER})(?![\w/]|[.,]\d|-\d)")
_SIGNED = re.compile(r"(?:(?<=^)|(?<=[\s(\[=,:]))([-+±])(?=\.?\d)")
_PLAIN = re.compile(rf"(?<![\d.])(?<!\d,)({NUMBER})(?![\d]|,\d{{3}}\b)")
_LEFTOVER = re.compile(r"\d+")
_LETTER_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_WORD_BEFORE = re.compile(r"([A-Za-z]+)[\s(,]*$")
_WORD_AFTER = re.compile(r"\s([a-z]+)")

_TIME_WORDS = frozenset(
    "in since by until till from before after during circa around year years early late mid of to "
    "through between winter spring summer fall autumn january february march april may june july "
    "august september october november december and or".split()
)
_COUNTED = frozenset(
    "people men women children percent feet dollars miles more other square different copies of "
    "million billion thousand hundred times".split()
)
_NOT_COUNTED = frozenset(
    "was is has as its this thus does us across plus less perhaps always towards unless his "
    "sales census various".split()
)


def say_quantities(text: str) -> str:
    """Replace every digit left in the text by words."""
    text = _identifiers(text)
    text = _PERCENT.sub(_percent, text)
    text = _DECADE.sub(_decade, text)
    text = _PLURAL.sub(lambda found: plural(cardinal(int(found[1]))), text)
    text = _ORDINAL.sub(lambda found: ordinal(int(found[1].replace(",", ""))), text)
    text = _POWER.sub(_power, text)
    text = _MIXED.sub(_mixed, text)
    text = _FRACTION.sub(lambda found: _fraction(int(found[1]), int(found[2])), text)
    text = _BY.sub(lambda found: " by ".join(map(amount, _BY_MARK.split(found[1]))), text)
    text = _TIMES.sub(lambda found: f"{amount(found[1])} times", text)
    text = _NUMERO.sub(lambda found: "numbers " if "os" in found[1] else "number ", text)
    text = _HASH.sub("number ", text)
    text = _SCALED.sub(_scaled, text)
    text = _RANGE.sub(_range, text)
    text = _SIGNED.sub(
        lambda found: {"-": "minus ", "+": "plus ", "±": "plus or minus "}[found[1]], text
    )
    text = _LETTER_DIGIT.sub(" ", text)
    text = _PLAIN.sub(_plain, text)
    return _LEFTOVER.sub(lambda found: f" {digits(found[0])} ", text)


def _identifiers(text: str) -> str:
    for pattern in _TELEPHONES:
        text = pattern.sub(lambda found: _grouped_digits(found[0]), text)
    text = _LOCAL_TELEPHONE.sub(
        lambda found: f"{found[1]} {digits(found[2])}, {digits(found[3])}", text
    )
    text = _ITEM.sub(lambda found: f"{cardinal(int(found[1]))}, ", text)
    text = _DOTTED.sub(_dotted, text)
    return _VERSION.sub(lambda found: f"version {amount(found[1])}", text)


def _grouped_digits(number: str) -> str:
    groups = _NOT_DIGITS.sub(" ", number).split()
    words = ", ".join(digits(group) for group in groups)
    return f"plus {words}" if number.startswith("+") else words


def _dotted(found: re.Match[str]) -> str:
    parts = found[2].split(".")
    join = " dot " if len(parts) == 4 and not found[1] else " point "
    start = "version " if found[1] else ""
    return start + join.join(amount(part) for part in parts)


def _percent(found: re.Match[str]) -> str:
    sign, low, high, mark = found.groups()
    start = {"-": "minus ", "+": "plus ", None: ""}[sign]
    number = f"{amount(low)} to {amount(high)}" if high else amount(low)
    return f"{start}{number} {'percent' if mark == '%' else 'per mille'}"


def _decade(found: re.Match[str]) -> str:
    century, decade = found[1], int(found[2])
    if century is None:
        return plural(cardinal(decade)) if decade else found[0]
    hundreds = int(century)
    if decade == 0:
        return plural(year(hundreds * 100) if hundreds % 10 else cardinal(hundreds * 100))
    return f"{cardinal(hundreds)} {plural(cardinal(decade))}"


def _power(found: re.Match[str]) -> str:
    exponent = found[2] or found[3].translate(_SUPERSCRIPTS)
    minus, value = ("minus ", exponent[1:]) if exponent.startswith("-") else ("", exponent)
    base = amount(found[1])
    if not value.isdigit():
        return found[0]
    if not minus and value in {"2", "3"}:
        return f"{base} {'squared' if value == '2' else 'cubed'}"
    return f"{base} to the power of {minus}{amount(value)}"


def _mixed(found: re.Match[str]) -> str:
    above, below = int(found[2]), int(found[3])
    if not 0 < above < below:
        return found[0]
    words = _fraction(above, below)
    if above == 1:
        words = "a" + words.removeprefix("one")
    return f"{cardinal(int(found[1]))} and {words}"


def _fraction(above: int, below: int) -> str:
    if (above, below) in _SAID_PAIRS:
        return f"{cardinal(above)} {cardinal(below)}"
    if below in {0, 1} or above == 0 or above > below * 3 or below > 100:
        return f"{cardinal(above)} slash {cardinal(below)}"
    if below in {10, 100} and above > 1:
        return f"{cardinal(above)} out of {cardinal(below)}"
    if above == below:
        return f"{cardinal(above)} out of {cardinal(below)}"
    name = {2: "half", 4: "quarter"}.get(below) or ordinal(below)
    if above > 1:
        name = "halves" if below == 2 else f"{name}s"
    return f"{cardinal(above)} {name}"


def _scaled(found: re.Match[str]) -> str:
    sign, number, scale = found.groups()
    start = {"-": "minus ", "+": "plus ", None: ""}[sign]
    if scale == "K" and number in _KEPT_K:
        return f"{start}{amount(number)} K"
    return f"{start}{amount(number)} {_SCALES[scale]}"


def _range(found: re.Match[str]) -> str:
    low, high = found[1], found[2]
    if _is_year(low) and (_is_year(high) or len(high) == 2):
        last = year(int(high)) if _is_year(high) else amount(high)
        return f"{year(int(low))} to {last}"
    return f"{amount(low)} to {amount(high)}"


def _is_year(literal: str) -> bool:
    return len(literal) == 4 and literal.isdigit() and 1000 <= int(literal) <= 2100


def _plain(found: re.Match[str]) -> str:
    literal = found[1]
    if _is_year(literal) and _reads_as_year(found):
        return year(int(literal))
    words = amount(literal)
    # "1,1" and "x.5": keep the words apart from what stood close to the digits.
    before = found.string[found.start() - 1 : found.start()] if found.start() else ""
    return f" {words}" if before.isalpha() or before in {",", "."} else words


def _reads_as_year(found: re.Match[str]) -> bool:
    """Decide between "nineteen eighty-four" and a count, from the words around the number."""
    number = int(found[1])
    left = found.string[max(0, found.start() - 24) : found.start()]
    right = found.string[found.end() : found.end() + 24]
    before = _WORD_BEFORE.search(left)
    after = _WORD_AFTER.match(right)
    next_word = after[1] if after else ""
    counted = next_word in _COUNTED or (next_word.endswith("s") and next_word not in _NOT_COUNTED)
    in_time = bool(before and before[1].lower() in _TIME_WORDS) or left.endswith("(")
    if number % 100 == 0:
        return number % 1000 != 0
    if number < 1900:
        return in_time and not counted
    return not counted or (in_time and next_word not in _COUNTED)
