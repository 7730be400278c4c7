"""English abbreviations, titles and Roman numerals, in words."""

# ruff: noqa: RUF001 - unusual characters are this module's subject
# ruff: noqa: SIM905 - word lists read better as one string

from __future__ import annotations

import re

from production.speakable.english_numbers import cardinal, ordinal

# Read the same everywhere; the stop after the last one in a sentence is kept.
_WORDS = {
    "e.g.": "for example", "eg.": "for example", "i.e.": "that is", "ie.": "that is",
    "etc.": "et cetera", "vs.": "versus", "vs": "versus", "v.s.": "versus",
    "approx.": "approximately", "cf.": "compare", "viz.": "namely", "et al.": "and others",
    "a.k.a.": "also known as", "aka": "also known as", "incl.": "including", "excl.": "excluding",
    "Inc.": "Incorporated", "Ltd.": "Limited", "Corp.": "Corporation", "Bros.": "Brothers",
    "Co.": "Company", "dept.": "department", "Dept.": "Department", "govt.": "government",
    "Govt.": "Government", "Assn.": "Association", "Univ.": "University", "Ave.": "Avenue",
    "Blvd.": "Boulevard", "Rd.": "Road", "Hwy.": "Highway", "Jr.": "Junior", "Sr.": "Senior",
    "Esq.": "Esquire", "misc.": "miscellaneous", "temp.": "temperature", "avg.": "average",
    "w/o": "without", "w/": "with ", "b/c": "because", "and/or": "and or", "n/a": "not available",
    "N/A": "not available", "P.S.": "P S", "TL;DR": "T L D R", "RSVP": "R S V P",
}  # fmt: skip
_TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Messrs": "Messieurs", "Dr": "Doctor",
    "Prof": "Professor", "Rev": "Reverend", "Hon": "Honorable", "Pres": "President",
    "Gov": "Governor", "Sen": "Senator", "Rep": "Representative", "Gen": "General",
    "Col": "Colonel", "Maj": "Major", "Capt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant",
    "Cpl": "Corporal", "Cmdr": "Commander", "Adm": "Admiral", "Mt": "Mount", "Ft": "Fort",
    "St": "Saint", "Ste": "Sainte", "Supt": "Superintendent", "Insp": "Inspector",
}  # fmt: skip
_BEFORE_NUMBERS = {
    "p": "page", "pp": "pages", "vol": "volume", "vols": "volumes", "ch": "chapter",
    "chap": "chapter", "fig": "figure", "figs": "figures", "sec": "section", "art": "article",
    "ed": "edition", "eq": "equation", "ca": "circa", "c": "circa", "op": "opus", "est":
    "established", "par": "paragraph", "ver": "version", "ext": "extension", "max": "maximum",
    "min": "minimum",
}  # fmt: skip
# Said as words by people and spelled by most voices, or the other way.
_SAID_AS_WORDS = {
    "JSON": "jayson",
    "YAML": "yammel",
    "SaaS": "sass",
    "GUI": "gooey",
    "CO2": "C O two",
}

_ABBREVIATION = re.compile(
    rf"(?<![\w.@])({'|'.join(re.escape(word) for word in sorted(_WORDS, key=len, reverse=True))})"
    r"(?![\w@])|(?<![\w/])w/(?=\w)"
)
_TITLE = re.compile(rf"(?<![\w.])({'|'.join(_TITLES)})\.?\s(?=[A-Z])")
_STOPPED_TITLE = re.compile(r"(?<![\w.])(Mr|Mrs|Ms|Prof)\.(?=\s|$)")
_STREET = re.compile(r"(?<=[A-Za-z]\s)(St|Dr)\.(?=$|[,;:)]|\s[a-z(])")
_STREET_NUMBERED = re.compile(r"\b(\d{1,5}\s(?:[A-Z][a-z]{1,20}\s){1,3})(St|Dr)\.?(?=\W|$)")
_STREETS = {"St": "Street", "Dr": "Drive"}
_BEFORE_NUMBER = re.compile(
    rf"(?<![\w.])({'|'.join(_BEFORE_NUMBERS)})\.\s?(?=\d|[IVX]{{1,5}}\b)", re.IGNORECASE
)
_WORD = re.compile(rf"\b({'|'.join(_SAID_AS_WORDS)})\b")

_NUMBERED = (
    "Chapter Part Volume Vol Book Act Scene Section Article Appendix Phase Type Class Level Stage "
    "Title Figure Table Mark Episode Season Grade Division Group Unit Item Schedule Annex Canto "
    "War Bowl Vatican Apollo Saturn chapter part volume book act scene section article appendix "
    "phase type class level stage figure table"
).split()
_RULERS = "King Queen Pope Emperor Empress Tsar Czar Sultan Prince Kaiser Shah".split()
_RULER_NAMES = (
    "Henry Louis Elizabeth George Edward Richard Charles James William Mary Victoria John Paul "
    "Benedict Pius Leo Gregory Clement Innocent Alexander Nicholas Catherine Peter Philip "
    "Ferdinand Frederick Napoleon Otto Wilhelm Ramses Ramesses Ptolemy Constantine Urban Boniface "
    "Francis Leopold Albert Gustav Christian Olaf Harald Darius Xerxes Cyrus Theodosius Suleiman"
).split()
_ROMAN = r"((?:X{1,3}|XL|L|XC)?(?:IX|IV|V?I{0,3}))"
_ROMAN_NUMBERED = re.compile(rf"\b({'|'.join(_NUMBERED)})\s(?=[IVXLC]){_ROMAN}(?![\w'’]|\.\w)")
_ROMAN_RULER = re.compile(
    rf"\b((?:{'|'.join(_RULERS)})\s[A-Z][a-z]{{1,20}})\s(?=[IVX]){_ROMAN}(?!\w|\.[A-Z])"
)
_ROMAN_RULER_NAME = re.compile(
    rf"\b({'|'.join(_RULER_NAMES)})\s(?=[IVX]{{2}}|[IV](?:$|[,;:.)]|'s)){_ROMAN}(?!\w|\.[A-Z])"
)
_ROMAN_CENTURY = re.compile(rf"(?<!\w)(?=[IVX]){_ROMAN}(?:th)?(?=\s[Cc]entur)")
_ROMAN_AFTER_NAME = re.compile(
    r"\b(?!(?:The|An?|This|That|By|In|On|Of|And|Or|For|With|Her|His|My|Your|Our)\s)([A-Z][a-z]{1,20}\s)"
    r"(?=[IVX]{2})((?:X{1,2})?(?:IX|IV|VI{1,3}|I{2,3}))\b(?!')"
)
_WORLD_WAR = re.compile(r"\b(?:WW|World War )(I{1,2}|[12])\b")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def say_abbreviations(text: str) -> str:
    """Replace abbreviations: "Dr. Smith vs. St. Paul" and "12 Elm Dr." each in their own way."""
    text = _BEFORE_NUMBER.sub(lambda found: _like(found[1], _BEFORE_NUMBERS) + " ", text)
    text = _STREET_NUMBERED.sub(lambda found: found[1] + _STREETS[found[2]], text)
    text = _STREET.sub(lambda found: _STREETS[found[1]], text)
    text = _TITLE.sub(lambda found: f"{_TITLES[found[1]]} ", text)
    text = _STOPPED_TITLE.sub(lambda found: _TITLES[found[1]], text)
    text = _ABBREVIATION.sub(_abbreviation, text)
    return _WORD.sub(lambda found: _SAID_AS_WORDS[found[1]], text)


def say_roman_numerals(text: str) -> str:
    """Replace Roman numerals where the words around leave no doubt: "Henry VIII", "Chapter IV"."""
    text = _WORLD_WAR.sub(
        lambda found: f"World War {'One' if found[1] in {'I', '1'} else 'Two'}", text
    )
    text = _ROMAN_CENTURY.sub(lambda found: ordinal(_value(found[1])), text)
    text = _ROMAN_RULER.sub(_nth, text)
    text = _ROMAN_RULER_NAME.sub(_nth, text)
    text = _ROMAN_NUMBERED.sub(
        lambda found: f"{found[1]} {cardinal(_value(found[2]))}" if found[2] else found[0], text
    )
    return _ROMAN_AFTER_NAME.sub(lambda found: found[1] + cardinal(_value(found[2])), text)


def _abbreviation(found: re.Match[str]) -> str:
    written = found[0]
    spoken = _WORDS.get(written, "with ")
    # A stop that also ends the sentence is still wanted.
    ends = written.endswith(".") and found.end() == len(found.string)
    return f"{spoken}." if ends else spoken


def _like(written: str, table: dict[str, str]) -> str:
    spoken = table[written.lower()]
    return spoken.capitalize() if written[0].isupper() else spoken


def _nth(found: re.Match[str]) -> str:
    return f"{found[1]} the {ordinal(_value(found[2]))}" if found[2] else found[0]


def _value(numeral: str) -> int:
    total = 0
    for position, letter in enumerate(numeral):
        value = _ROMAN_VALUES[letter]
        larger_follows = _ROMAN_VALUES.get(numeral[position + 1 : position + 2], 0) > value
        total += -value if larger_follows else value
    return total
