"""Languages other than English: numbers by num2words and Babel, a few signs, the rest as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from babel.core import Locale, UnknownLocaleError
from babel.numbers import get_currency_name, get_decimal_symbol, get_group_symbol
from num2words import CONVERTER_CLASSES, num2words

from production.speakable.english_web import host_name

GROUP_DIGITS = 3

_CURRENCIES = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR"}


@dataclass(frozen=True, slots=True)
class Signs:
    """The words of one language for the signs that are common in prose."""

    percent: str
    ampersand: str
    dot: str
    at: str
    degrees: str


SIGNS = {
    "de": Signs("Prozent", "und", "Punkt", "ät", "Grad"),
    "fr": Signs("pour cent", "et", "point", "arobase", "degrés"),
    "es": Signs("por ciento", "y", "punto", "arroba", "grados"),
    "it": Signs("per cento", "e", "punto", "chiocciola", "gradi"),
    "pt": Signs("por cento", "e", "ponto", "arroba", "graus"),
    "nl": Signs("procent", "en", "punt", "apenstaartje", "graden"),
    "sv": Signs("procent", "och", "punkt", "snabel-a", "grader"),
    "da": Signs("procent", "og", "punktum", "snabel-a", "grader"),
    "no": Signs("prosent", "og", "punktum", "krøllalfa", "grader"),
    "pl": Signs("procent", "i", "kropka", "małpa", "stopni"),
    "cs": Signs("procent", "a", "tečka", "zavináč", "stupňů"),
    "fi": Signs("prosenttia", "ja", "piste", "ät", "astetta"),
    "ro": Signs("la sută", "și", "punct", "arond", "grade"),
    "tr": Signs("yüzde", "ve", "nokta", "et", "derece"),
}

_ADDRESS = re.compile(r"(?<!\w)(?:https?://|www\.)([^\s<>\"]{1,2000})[^\s<>\"]*", re.IGNORECASE)
_TRAILING = ".,;:!?)]}'"
_EMAIL = re.compile(r"(?<![\w.+@-])([\w.+-]{1,64})@((?:[\w-]{1,63}\.){1,6}[A-Za-z]{2,24})(?![\w@])")
_NUMBER = re.compile(
    r"(?<![\w.,])([€$£¥₹])?\s?(-)?((?:\d{1,3}(?:[.,' ]\d{3}){1,4}|\d{1,12})(?:[.,]\d{1,9})?)"
    r"(?![\d]|[.,:/-]\d)(?:\s?([%€$£¥₹]|°C?(?!\w)))?(?!\w)"
)


def speak_other(text: str, language: str) -> str:
    """Spell out numbers where num2words knows the language (lower-case tag); keep the rest."""
    primary = language.partition("-")[0]
    primary = {"nb": "no", "nn": "no"}.get(primary, primary)
    signs = SIGNS.get(primary)
    text = _ADDRESS.sub(lambda found: _address(found, signs), text)
    if signs:
        text = _EMAIL.sub(
            lambda found: f"{found[1]} {signs.at} {_dotted(found[2].lower(), signs)}", text
        )
        text = text.replace(" & ", f" {signs.ampersand} ")
    locale = _locale(primary)
    if primary in CONVERTER_CLASSES and locale is not None:
        text = _NUMBER.sub(lambda found: _number(found, primary, locale, signs), text)
    return text


def _locale(primary: str) -> Locale | None:
    try:
        return Locale.parse(primary)
    except (UnknownLocaleError, ValueError):
        return None


def _address(found: re.Match[str], signs: Signs | None) -> str:
    whole = found[0]
    tail = whole[len(whole.rstrip(_TRAILING)) :].replace("'", "")
    return _dotted(host_name(found[1].rstrip(_TRAILING)), signs) + tail


def _dotted(host: str, signs: Signs | None) -> str:
    return host.replace(".", f" {signs.dot} ") if signs else host


def _number(found: re.Match[str], primary: str, locale: Locale, signs: Signs | None) -> str:
    sign_before, minus, literal, sign_after = found.groups()
    value = _value(literal, locale)
    if value is None:
        return found[0]
    words = _words(f"{minus or ''}{value}", primary)
    if words is None:
        return found[0]
    following = _following(sign_before or sign_after or "", primary, signs)
    lead = " " if found[0][:1].isspace() else ""
    return f"{lead}{words}{following}"


def _value(literal: str, locale: Locale) -> str | None:
    """Return a plain decimal literal, or None when the separators do not fit the language."""
    decimal = get_decimal_symbol(locale)
    group = get_group_symbol(locale)
    groups = "' " + ("" if group == decimal else group)
    whole, _mark, fraction = literal.partition(decimal)
    for mark in groups:
        first, *others = whole.split(mark)
        if any(len(other) != GROUP_DIGITS for other in others):
            return None
        whole = "".join((first, *others))
    if not whole.isascii() or not whole.isdigit() or (fraction and not fraction.isdigit()):
        return None
    if len(whole) > 1 and whole[0] == "0":
        return None
    return f"{whole}.{fraction}" if fraction else whole


# Some languages take a third of a millisecond a number, and texts repeat theirs.
@lru_cache(maxsize=4096)
def _words(literal: str, primary: str) -> str | None:
    try:
        return str(num2words(literal, lang=primary))
    except (NotImplementedError, OverflowError, ValueError, KeyError, IndexError, TypeError):
        # num2words' languages differ in what they can say: the figures are kept then.
        return None


def _following(sign: str, primary: str, signs: Signs | None) -> str:
    if sign in _CURRENCIES:
        return f" {get_currency_name(_CURRENCIES[sign], count=2, locale=primary)}"
    if sign == "%" and signs:
        return f" {signs.percent}"
    if sign.startswith("°") and signs:
        return f" {signs.degrees}" + (" Celsius" if sign == "°C" else "")
    return sign
