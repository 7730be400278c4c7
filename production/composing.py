"""Composing: turns a document into a script for one voice."""

# ruff: noqa: PLR2004 - the numbers of clock, calendar and grammar speak for themselves
# ruff: noqa: RUF001 - unusual characters are this module's subject

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from production.document import Block, Document
from production.lexicon import EMPTY_LEXICON, Lexicon
from production.reading_rules import DEFAULT_RULES, ReadingRules, description
from production.script import Chapter, LeftOut, Script, ScriptInvalid, Segment, Sentence
from production.sentences import split_sentences
from production.speakable import speak

# Voices lose their breath, and some engines their memory, over longer sentences.
LONGEST_SPOKEN = 400
# Headings of this level or above open a chapter; deeper ones do when there are no others.
CHAPTER_LEVEL = 2
# What is left out is reported, not stored in full.
LONGEST_LEFT_OUT = 500

_CLAUSE_END = re.compile(r"(?<=[,;:—–)])\s+|\s+(?=[—–(])")
_SPACE = re.compile(r"\s+")
_CLOSED = re.compile(r"[.!?…][\"')\]]*$")


class NothingToRead(ScriptInvalid):
    """The document has no words that can be spoken."""

    code = "nothing_to_read"


@dataclass(slots=True)
class _OpenChapter:
    title: str
    sentences: list[Sentence] = field(default_factory=list)


def compose_script(
    document: Document,
    *,
    voice: str,
    speaker: str,
    title: str = "",
    author: str = "",
    rules: ReadingRules = DEFAULT_RULES,
    lexicon: Lexicon = EMPTY_LEXICON,
) -> Script:
    """Return the script that reads the document aloud, beginning with its title and author.

    A heading opens a chapter and is its first sentence; a heading at the top that repeats the title
    is read once. `rules` say what becomes of code, tables, footnotes, lists of links and captions;
    what is not read of them, blocks without words, and what the document itself omits, are listed
    in `left_out`. `lexicon` changes
    what is spoken, never what is shown.
    Raises NothingToRead when nothing is left.
    """
    title, author = _one_line(title), _one_line(author)
    tongue = _Tongue(document.language, rules, lexicon)
    chapters = [_OpenChapter(title)]
    if title:
        chapters[0].sentences.extend(tongue.sentences(_opening(title, author)))
    left_out: list[LeftOut] = []
    anything = False
    chapter_level = _chapter_level(document)
    for position, run in enumerate(_runs(document.blocks, rules)):
        block = run[0]
        if position == 0 and block.kind == "heading" and _same(block.text, title):
            continue
        sentences = tongue.sentences_of(run)
        is_read = rules.rule_for(block.kind) == "read" and bool(sentences)
        if not is_read:
            left_out.extend(_left_out(part, _why_left_out(part, rules)) for part in run)
        if not sentences:
            continue
        anything = anything or is_read
        if block.kind == "heading" and block.level <= chapter_level:
            chapters.append(_OpenChapter(_one_line(block.text)))
        chapters[-1].sentences.extend(sentences)
    left_out.extend(_left_out(block, block.kind) for block in document.omitted)
    if not anything:
        raise NothingToRead("There is nothing in the text that can be read aloud.", field="text")
    script = Script(
        language=document.language,
        chapters=tuple(
            Chapter(chapter.title, (Segment(speaker, voice, tuple(chapter.sentences)),))
            for chapter in chapters
            if chapter.sentences
        ),
        left_out=tuple(left_out),
    )
    script.validate()
    return script


def spoken_sentences(text: str, language: str) -> tuple[Sentence, ...]:
    """The sentences of one paragraph, as shown and as spoken; the last one ends it.

    None where there is no word that can be spoken.
    """
    return tuple(_Tongue(language, DEFAULT_RULES, EMPTY_LEXICON).sentences(text))


@dataclass(frozen=True, slots=True)
class _Tongue:
    """Turns blocks into sentences, in one language."""

    language: str
    rules: ReadingRules
    lexicon: Lexicon

    def sentences_of(self, run: Sequence[Block]) -> list[Sentence]:
        """The sentences for a run of blocks, which has more than one only where it is described."""
        rule = self.rules.rule_for(run[0].kind)
        if rule == "skip":
            return []
        if rule == "describe":
            return list(self.sentences(description(run, self.language)))
        if run[0].kind in {"table", "code"}:
            lines = run[0].text.split("\n")
            return [sentence for line in lines for sentence in self.sentences(_row(line))]
        return list(self.sentences(run[0].text))

    def sentences(self, text: str) -> Iterator[Sentence]:
        """Yield the sentences of one paragraph; the last one ends it."""
        pairs = _with_words(
            [
                pair
                for sentence in split_sentences(text, self.language)
                for pair in self._short_enough(_one_line(sentence))
            ]
        )
        for position, (shown, spoken) in enumerate(pairs):
            last = position == len(pairs) - 1
            yield Sentence(shown, _closed(spoken) if last else spoken, paragraph_end=last)

    def _short_enough(self, shown: str) -> Iterator[tuple[str, str]]:
        """Yield shown and spoken text, halved at the best place until no part is too long to speak."""
        spoken = self.lexicon.speak(shown, lambda text: speak(text, self.language))
        if len(spoken) <= LONGEST_SPOKEN or len(shown) < 2:
            yield shown, spoken
            return
        cut = _middle(shown)
        for part in (shown[:cut].strip(), shown[cut:].strip()):
            yield from self._short_enough(part)


def _runs(blocks: Sequence[Block], rules: ReadingRules) -> Iterator[list[Block]]:
    """Neighbours of one kind together where one description stands for all; else each alone."""
    for kind, run in groupby(blocks, key=lambda block: block.kind):
        gathered = list(run)
        if rules.rule_for(kind) == "describe":
            yield gathered
        else:
            yield from ([block] for block in gathered)


def _row(line: str) -> str:
    """A table's row, its cells parted as a voice parts them."""
    return ", ".join(cell.strip() for cell in line.split(" | ") if cell.strip())


def _chapter_level(document: Document) -> int:
    levels = [block.level for block in document.blocks if block.kind == "heading"]
    return max(CHAPTER_LEVEL, min(levels, default=CHAPTER_LEVEL))


def _one_line(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _same(heading: str, title: str) -> bool:
    return bool(title) and _one_line(heading).casefold() == title.casefold()


def _opening(title: str, author: str) -> str:
    if not author:
        return title
    return f"{title} By {author}." if _CLOSED.search(title) else f"{title}, by {author}."


def _why_left_out(block: Block, rules: ReadingRules) -> str:
    return block.kind if rules.rule_for(block.kind) != "read" else "unspeakable"


def _left_out(block: Block, kind: str) -> LeftOut:
    text = block.text
    if len(text) > LONGEST_LEFT_OUT:
        text = text[: LONGEST_LEFT_OUT - 1] + "…"
    return LeftOut(kind, text)


def _with_words(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Show what cannot be spoken (an emoji, a dash) together with the sentence beside it."""
    joined: list[tuple[str, str]] = []
    waiting: list[str] = []
    for shown, spoken in pairs:
        if spoken:
            joined.append((" ".join([*waiting, shown]), spoken))
            waiting = []
        elif joined:
            before, words = joined[-1]
            joined[-1] = (f"{before} {shown}", words)
        else:
            waiting.append(shown)
    return joined


def _middle(text: str) -> int:
    """Find the clause end nearest to the middle, else the nearest space, else the middle."""
    middle = len(text) // 2
    margin = len(text) // 5
    for pattern in (_CLAUSE_END, _SPACE):
        places = [found.end() for found in pattern.finditer(text, margin, len(text) - margin)]
        if places:
            return min(places, key=lambda place: abs(place - middle))
    return middle


def _closed(spoken: str) -> str:
    """End a heading or list item like a sentence, so that the voice falls."""
    if not spoken or _CLOSED.search(spoken):
        return spoken
    return spoken.rstrip(",;:—– ") + "."
