"""Sentence splitting: sentencex with repairs, in time proportional to the text."""

# ruff: noqa: RUF001 - unusual characters are this module's subject
# ruff: noqa: SIM905 - word lists read better as one string

from __future__ import annotations

import re
from collections.abc import Iterator

import sentencex

# Some of sentencex's rules look ahead to the end of what they are given, so the cost of one call
# grows with the square of its length. A window keeps the whole proportional to the text; a
# "sentence" longer than a window is cut at white space.
WINDOW = 4000

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_LIST_MARKER = re.compile(r"\s*(?:\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,5})[.)])\s*")
_CLOSERS = re.compile(r"[)\]}”’»\"']+(?=\s|$)")
_LAST_WORD = re.compile(r"(\S{1,40})\s*$")
_LOWERCASE_START = re.compile(r"\s*[\"'“‘(\[]?([a-zà-öø-ÿ]\w*)")
_DIGIT_START = re.compile(r"\s*\d")
_RUN_ON_LEFT = re.compile(r"[a-zà-ÿ]{2}[\"'”’)]{0,2}[.!?…]{1,3}[\"'”’)\]]{0,3}$")
_RUN_ON_RIGHT = re.compile(r"[\"'“‘(]?[A-Z][\w'’-]{0,40}(?=[\s,;:?!]|\.\s|\.?$)")
_IDEOGRAPHIC_END = re.compile(r"[。！？｡।॥؟۔።][”’」』）\"']{0,3}$")
_REFERENCE_END = re.compile(r"[.!?…][\"”’)]{0,2}(?:\[[^\]\s]{1,20}\])+$")
# Ends that sentencex misses: a closing bracket or quote after the full stop, and after an address.
_MISSED_END = re.compile(
    r"(?:(?<=[a-z]{2})[.!?][)\]”\"’']{1,3}|(?<!\S)(?:https?://|www\.)\S{1,2000}(?<=[.!?]))"
    r"\s+(?=[\"'“‘(]?[A-Z])"
)

# Never the end of an English sentence: something always follows.
_ALWAYS_CONTINUED = frozenset(
    "mr mrs ms messrs mx dr prof rev hon pres gov sen rep gen col maj capt cpt lt sgt cpl cmdr adm "
    "fr st ste mt vs cf approx ca e.g i.e viz incl excl resp esp".split()
)
# Not the end when a number follows.
_BEFORE_NUMBER = frozenset(
    "no nos nr vol vols ch chap fig figs p pp pg sec sect art op ed eq est c ver v rev par para "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)


def split_sentences(text: str, language: str = "en") -> list[str]:
    """Split text into trimmed sentences.

    Joined with white space they give the text back: no other character is lost or changed. An
    unknown language is split by general rules.
    """
    primary = re.split(r"[-_]", language.lower(), maxsplit=1)[0]
    code = primary if _LANGUAGE.fullmatch(primary) else "en"
    sentences: list[str] = []
    for paragraph in _BLANK_LINE.split(text):
        if paragraph.strip():
            sentences.extend(_split_paragraph(paragraph, code))
    return sentences


def _split_paragraph(paragraph: str, language: str) -> list[str]:
    pieces = list(_detach_closers(_windowed(paragraph, language)))
    repaired = [part for piece in _join_wrong_ends(pieces) for part in _split_missed(piece)]
    return [stripped for piece in repaired if (stripped := piece.strip())]


def _windowed(paragraph: str, language: str) -> Iterator[str]:
    """Yield sentencex's pieces, handing it at most WINDOW characters at a time.

    Each piece but a window's last is taken; the last may be unfinished and starts the next window.
    """
    start = 0
    while len(paragraph) - start > WINDOW:
        pieces = _segment(paragraph[start : start + WINDOW], language)
        taken = pieces[:-1] if len(pieces) > 1 else [_cut_at_white_space(pieces[0])]
        yield from taken
        start += sum(map(len, taken))
    yield from _segment(paragraph[start:], language)


def _segment(text: str, language: str) -> list[str]:
    """Run sentencex, restoring whatever white space it drops, so that the pieces join to `text`."""
    pieces: list[str] = []
    position = 0
    for piece in sentencex.segment(language, text):
        found = text.find(piece, position) if piece else -1
        if found < 0:
            continue
        if found > position and pieces:
            pieces[-1] += text[position:found]
        pieces.append(piece if pieces else text[position:found] + piece)
        position = found + len(piece)
    if position < len(text):
        if pieces:
            pieces[-1] += text[position:]
        else:
            pieces.append(text)
    return pieces


def _cut_at_white_space(window: str) -> str:
    half = len(window) // 2
    for position in range(len(window) - 1, half, -1):
        if window[position].isspace():
            return window[: position + 1]
    return window


def _detach_closers(pieces: Iterator[str]) -> Iterator[str]:
    """Give brackets and quotes that close a sentence back to it, when a piece begins with them."""
    previous: str | None = None
    for piece in pieces:
        current = piece
        closers = _CLOSERS.match(piece) if previous and not previous[-1].isspace() else None
        if previous is not None and closers:
            previous += closers.group()
            current = piece[closers.end() :]
        if previous is not None:
            yield previous
        previous = current
    if previous is not None:
        yield previous


def _join_wrong_ends(pieces: list[str]) -> Iterator[str]:
    """Join pieces that were parted inside a sentence."""
    gathered: list[str] = []
    for piece in pieces:
        if gathered and not _is_boundary(gathered[-1], piece):
            gathered.append(piece)
            continue
        if gathered:
            yield "".join(gathered)
        gathered = [piece]
    if gathered:
        yield "".join(gathered)


def _is_boundary(left: str, right: str) -> bool:
    if not left.strip() or not right.strip():
        return False
    if _LIST_MARKER.fullmatch(left) or not any(map(str.isalnum, right)):
        return False
    if not (left[-1].isspace() or right[0].isspace()):
        return bool(
            _IDEOGRAPHIC_END.search(left[-10:])
            or _REFERENCE_END.search(left[-80:])
            or (_RUN_ON_LEFT.search(left[-12:]) and _RUN_ON_RIGHT.match(right))
        )
    return not _is_continued(left, right)


def _is_continued(left: str, right: str) -> bool:
    found = _LAST_WORD.search(left[-80:])
    word = found.group(1) if found else ""
    if not word.endswith("."):
        return False
    name = word.lstrip("(\"'“‘[").rstrip(".").lower()
    if name in _ALWAYS_CONTINUED:
        # A lone "Col." is a title; "no" as a word is told from "No." by the number that follows.
        return True
    if name in _BEFORE_NUMBER and _DIGIT_START.match(right):
        return True
    lowercase = _LOWERCASE_START.match(right)
    # "iPhone" and "eBay" may begin a sentence.
    return bool(lowercase and lowercase.group(1).islower())


def _split_missed(piece: str) -> Iterator[str]:
    start = 0
    for found in _MISSED_END.finditer(piece):
        yield piece[start : found.end()]
        start = found.end()
    yield piece[start:]
