"""English signs that stand for words: "&", "=", "C#", Greek letters, arrows, brackets."""

# ruff: noqa: RUF001 - unusual characters are this module's subject

from __future__ import annotations

import re
import unicodedata

# Between or beside words; a sign mapped to "," is a pause, one mapped to " " is silent.
SIGNS = {
    "&": " and ", "+": " plus ", "=": " equals ", "@": " at ", "%": " percent ", "‰": " per mille ",
    "§": " section ", "¶": " paragraph ", "©": " copyright ", "®": " ", "™": " ", "℠": " ",
    "→": " to ", "⇒": " to ", "➔": " to ", "←": " from ", "↔": " to and from ",
    "↑": " up ", "↓": " down ", "≥": " greater than or equal to ",
    "≤": " less than or equal to ", "≠": " is not equal to ", "≈": " about ", "≡": " equals ",
    "±": " plus or minus ", "×": " times ", "÷": " divided by ", "√": " square root of ",
    "∞": " infinity ", "∑": " sum of ", "∏": " product of ", "∫": " integral of ", "∂": " partial ",
    "∆": " delta ", "∈": " in ", "∅": " empty set ", "∀": " for all ", "∃": " there exists ",
    "°": " ", "′": " ", "″": " ", "~": " about ", "|": ", ", "¦": ", ", "\\": " ",
    "*": " ", "_": " ", "`": " ", "^": " ", "#": " ", "<": " less than ", ">": " greater than ",
    "[": "(", "]": ")", "{": "(", "}": ")", "⟨": "(", "⟩": ")", "…": "…", "¿": "", "¡": "",
    "$": " dollars ", "£": " pounds ", "€": " euros ", "¥": " yen ", "₹": " rupees ", "¢": " cents ",
    "ª": "", "º": "", "¬": " not ", "∙": " ", "⋅": " times ", "‖": " ", "¤": " ",
}  # fmt: skip
_SIGN = re.compile("[" + re.escape("".join(SIGNS)) + "]")
_NAMED = {
    "C++": "C plus plus", "c++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "J#": "J sharp",
    ".NET": "dot net", "Q&A": "Q and A", "R&D": "R and D", "A&E": "A and E", "AT&T": "A.T. and T",
    "->": " to ", "=>": " to ", "<-": " from ", "==": " equals ", "!=": " is not equal to ",
    ">=": " greater than or equal to ", "<=": " less than or equal to ", "+/-": " plus or minus ",
    "</": " ", "/>": " ", "&&": " and ", "||": " or ",
}  # fmt: skip
_NAME = re.compile(
    r"(?<!\w)(?:"
    + "|".join(re.escape(word) for word in sorted(_NAMED, key=len, reverse=True))
    + r")(?!\w)|->|=>|==|!=|>=|<=|&&|\|\|"
)
_STAR_TIMES = re.compile(r"(?<=\d)\s?\*\s?(?=\d)")
_SQUARED = re.compile(r"(?<=[^\W\d_])([²³])(?!\w)")
_VULGAR = re.compile(r"(?<=\d)?\s?([¼-¾⅐-⅞])")
_SUPERSCRIPT_LETTERS = re.compile(r"[¹²³⁰⁴-⁹]+")
_INITIALS_SLASH = re.compile(r"\b([A-Z]{1,4})/(?=[A-Z]{1,4}\b)")
_PRONOUN_SLASH = re.compile(
    r"\b(he|she|his|him|her|they|them|yes|either|man|mother|father)/(?=[a-z])"
)
_WORD_SLASH = re.compile(r"(?<=\w)/(?=\w)")
_SLASH = re.compile(r"/+")
_CLOSE_DASH = re.compile(r"(?<=\w)\s?[–—]\s?(?=\w)|\s-{1,2}\s|(?<=\w)--(?=\w)")
_LOOSE_HYPHEN = re.compile(r"(?<!\w)-+(?=\w)|(?<=\w)-+(?!\w)|(?<!\w)-+(?!\w)")
_GREEK_START, _GREEK_END = "α", "ω"
_GREEK = re.compile(r"(?<![\u0370-\u03ff])[Α-Ωα-ω](?![\u0370-\u03ff])")


def say_fractions_in_one_character(text: str) -> str:
    """Write "2½" as "2 1/2" for the number rules."""
    return _VULGAR.sub(_vulgar, text)


def say_named_signs(text: str) -> str:
    """Replace words made with signs ("C++", "Q&A") and double signs ("->", ">=")."""
    text = _STAR_TIMES.sub(" times ", text)
    return _NAME.sub(lambda found: _NAMED[found[0]], text)


def say_symbols(text: str) -> str:
    """Replace the signs left; what remains are words and plain punctuation."""
    text = _SQUARED.sub(lambda found: " squared" if found[1] == "²" else " cubed", text)
    text = _SUPERSCRIPT_LETTERS.sub("", text)
    text = _GREEK.sub(_greek, text)
    text = _PRONOUN_SLASH.sub(r"\1 or ", text)
    text = _INITIALS_SLASH.sub(r"\1 ", text)
    text = _WORD_SLASH.sub(" slash ", text)
    text = _SLASH.sub(" ", text)
    text = _SIGN.sub(lambda found: SIGNS[found[0]], text)
    text = _CLOSE_DASH.sub(" — ", text)
    return _LOOSE_HYPHEN.sub(" ", text)


def _vulgar(found: re.Match[str]) -> str:
    above, _slash, below = unicodedata.normalize("NFKC", found[1]).partition("⁄")
    if not below:
        return found[0]
    before = found.string[found.start() - 1 : found.start()] if found.start() else ""
    return (
        f" {above}/{below}"
        if before and not before.isspace()
        else f"{found[0][:-1]}{above}/{below}"
    )


def _greek(found: re.Match[str]) -> str:
    name = unicodedata.name(found[0], "").rpartition(" ")[2].lower()
    before = found.string[found.start() - 1 : found.start()] if found.start() else ""
    after = found.string[found.end() : found.end() + 1]
    name = {"lamda": "lambda"}.get(name, name)
    return f"{' ' if before.isalnum() else ''}{name}{' ' if after.isalnum() else ''}"
