"""English dates and times of day, in words."""

# ruff: noqa: PLR2004 - the numbers of clock, calendar and grammar speak for themselves
# ruff: noqa: RUF001 - unusual characters are this module's subject

from __future__ import annotations

import re

from production.speakable.english_numbers import cardinal, ordinal, year

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
MONTH_FIRST = frozenset({"en-us", "en-ph"})
DAY_FIRST = frozenset({"en-gb", "en-ie", "en-au", "en-nz", "en-in", "en-za"})

_SHORT = {name[:3]: name for name in MONTHS} | {"Sept": "September"}
_NAMES = {
    spelling: full
    for short, full in [*_SHORT.items(), *((name, name) for name in MONTHS)]
    for spelling in (short, short.upper())
}
_MONTH = "(" + "|".join(sorted(_NAMES, key=len, reverse=True)) + r")\.?"
_DASH = r"\s?[-–—]\s?"
_ISO = re.compile(
    r"(?<![\w/-])(\d{4})(?P<mark>[-/])(\d{2})(?P=mark)(\d{2})"
    r"(?:T(\d{2}:\d{2})(?::\d{2}(?:\.\d{1,9})?)?(?:(Z)|[+-]\d{2}:?\d{2})?)?(?![\w/-])"
)
_NUMERIC = re.compile(r"(?<![\w/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\w/-]|\.\d)")
_MONTH_DAY = re.compile(
    rf"\b{_MONTH}\s(\d{{1,2}})(?:st|nd|rd|th)?(?:{_DASH}(\d{{1,2}})(?:st|nd|rd|th)?)?"
    r"(?![\w:%]|[.,]\d)(?:,?\s(\d{4})(?![\w:%]|[.,]\d))?"
)
_DAY_MONTH = re.compile(
    rf"(?<![\w.,:/-])((?:the|The)\s)?(\d{{1,2}})(?:st|nd|rd|th)?(?:{_DASH}(\d{{1,2}})(?:st|nd|rd|th)?)?"
    rf"\s(?:of\s)?{_MONTH}(?![\w])(?:,?\s(\d{{4}})(?![\w:%]|[.,]\d))?"
)
_MONTH_YEAR = re.compile(rf"\b{_MONTH}\s(\d{{4}})(?![\w:%]|[.,]\d)")
_MONTH_ALONE = re.compile(r"\b(Jan|Feb|Apr|Aug|Sept|Oct|Nov|Dec)\.(?=\s[a-z]|[,;)])")
_WEEKDAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
_WEEKDAY = re.compile(rf"\b({'|'.join(_WEEKDAYS)})(?:\.,?|,)(?=\s(?:\d|{'|'.join(_NAMES)}))")

_HALF = r"(?:\s?[AaPp]\.?[Mm]\b\.?)"
_TIME_RANGE = re.compile(
    rf"(?<![\w.:-])(\d{{1,2}}(?::\d{{2}})?{_HALF}?){_DASH}"
    rf"(?=\d{{1,2}}{_HALF}|\d{{1,2}}:\d{{2}}(?!\d))"
)
_TIME = re.compile(
    r"(?<![\w:.,])(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,3})?)?(?:\s?([AaPp])\.?[Mm]\b(\.?))?(?![\w:])"
)
_HOUR = re.compile(r"(?<![\w:.,])(\d{1,2})\s?([AaPp])\.?[Mm]\b(\.?)(?!\w)")
_RATIO = re.compile(r"(?<![\w:.,])(\d{1,4}):(\d{1,4})(?![\w:])")


def say_dates(text: str, language: str) -> str:
    """Replace dates; a numeric one whose order nobody can know is read number by number."""
    text = _WEEKDAY.sub(lambda found: f"{_WEEKDAYS[found[1]]},", text)
    text = _ISO.sub(_iso, text)
    text = _NUMERIC.sub(lambda found: _numeric(found, language), text)
    text = _MONTH_DAY.sub(_month_day, text)
    text = _DAY_MONTH.sub(_day_month, text)
    text = _MONTH_YEAR.sub(lambda found: f"{_NAMES[found[1]]} {_year(found[2])}", text)
    return _MONTH_ALONE.sub(lambda found: _NAMES[found[1]], text)


def say_times(text: str) -> str:
    """Replace times of day, and ratios such as "16:9"."""
    text = _TIME_RANGE.sub(r"\1 to ", text)
    text = _TIME.sub(_time, text)
    text = _HOUR.sub(_hour, text)
    return _RATIO.sub(lambda found: f"{cardinal(int(found[1]))} to {cardinal(int(found[2]))}", text)


def _year(literal: str) -> str:
    number = int(literal)
    return year(number) if 1000 <= number < 3000 else cardinal(number)


def _full_date(day: int, month: int, year_words: str) -> str:
    return f"{MONTHS[month - 1]} {ordinal(day)}, {year_words}"


def _iso(found: re.Match[str]) -> str:
    year_text, month, day = found[1], int(found[3]), int(found[4])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found[0]
    words = _full_date(day, month, _year(year_text))
    if not found[5]:
        return words
    zone = " UTC" if found[6] else ""
    return f"{words} at {found[5]}{zone}"


def _numeric(found: re.Match[str], language: str) -> str:
    first, separator, second = int(found[1]), found[2], int(found[3])
    if not (1 <= first <= 31 and 1 <= second <= 31 and min(first, second) <= 12):
        return found[0]
    # Two-digit years with dots or dashes look like versions and part numbers.
    if len(found[4]) == 2 and separator != "/":
        return found[0]
    year_words = _year(found[4] if len(found[4]) == 4 else _century(found[4]))
    if first > 12 or (second <= 12 and (language in DAY_FIRST or separator == ".")):
        return _full_date(first, second, year_words)
    if second > 12 or language in MONTH_FIRST:
        return _full_date(second, first, year_words)
    if first == second:
        return _full_date(first, second, year_words)
    return f"{cardinal(first)}, {cardinal(second)}, {year_words}"


def _century(two_digits: str) -> str:
    return ("20" if int(two_digits) < 70 else "19") + two_digits


def _month_day(found: re.Match[str]) -> str:
    month, first, last = _NAMES[found[1]], int(found[2]), int(found[3] or 0)
    if not (1 <= first <= 31 and last <= 31):
        return found[0]
    until = f" to {ordinal(last)}" if last else ""
    after = f", {_year(found[4])}" if found[4] else ""
    return f"{month} {ordinal(first)}{until}{after}"


def _day_month(found: re.Match[str]) -> str:
    article, first, last, month = found[1] or "the ", int(found[2]), int(found[3] or 0), found[4]
    if not (1 <= first <= 31 and last <= 31):
        return found[0]
    until = f" to the {ordinal(last)}" if last else ""
    after = f" {_year(found[5])}" if found[5] else ""
    return f"{article}{ordinal(first)}{until} of {_NAMES[month]}{after}"


def _half(letter: str | None, dot: str, found: re.Match[str]) -> str:
    """Say "A.M." or "P.M."; its last stop may be the sentence's, and is written once."""
    if not letter:
        return ""
    following = found.string[found.end() : found.end() + 1]
    return f" {letter.upper()}.M" + ("" if not dot and following == "." else ".")


def _time(found: re.Match[str]) -> str:
    hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3] or 0)
    if hours > 24 or minutes > 59 or seconds > 59:
        return found[0]
    if found[4]:
        middle = "" if minutes == 0 else f" {_minutes(minutes)}"
    elif minutes == 0:
        if hours in {0, 24}:
            return "midnight"
        middle = " hundred hours" if hours > 12 else " o'clock"
    else:
        middle = f" {_minutes(minutes)}"
    tail = f" and {cardinal(seconds)} {'second' if seconds == 1 else 'seconds'}" if found[3] else ""
    return f"{cardinal(hours)}{middle}{tail}{_half(found[4], found[5] or '', found)}"


def _minutes(minutes: int) -> str:
    return f"oh {cardinal(minutes)}" if minutes < 10 else cardinal(minutes)


def _hour(found: re.Match[str]) -> str:
    hours = int(found[1])
    if hours > 24:
        return found[0]
    return cardinal(hours) + _half(found[2], found[3], found)
