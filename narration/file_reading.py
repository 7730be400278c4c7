"""Turns a stored file into an article; what strangers pack into files is opened by a child process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO

from django.conf import settings

from core.errors import Invalid, Upstream
from core.text import clean_line
from narration.decoding import decode_page
from narration.extraction import Article, article_from_blocks, article_from_html, article_from_text
from narration.file_texts import READERS
from narration.markup import blocks_of_markup
from narration.titles import TITLE_LENGTH, shorten

TIMEOUT_SECONDS = 60
#: A child may take a gigabyte; the threads of a worker share these places.
_PLACES = threading.BoundedSemaphore(2)


class FileTextMissing(Invalid):
    """The file is damaged, locked, or has too little text in it."""

    code = "file_text_missing"


class FileReadingBroke(Upstream):
    """The child process ended without an answer."""

    code = "file_reading_broke"


def article_from_file(file: IO[bytes], *, name: str, extension: str) -> Article:
    """The article in an open file of one of `narration.file_kinds.FILE_KINDS`.

    Raises `FileTextMissing`, `FileReadingBroke`, and for HTML what
    `narration.extraction.article_from_html` raises.
    """
    if extension in READERS:
        article = _article_from_facts(_facts(file, extension))
    elif extension == "html":
        article = article_from_html(decode_page(file.read()), url="")
    else:
        article = article_from_text(decode_page(file.read()))
    least = settings.NARRATION_MINIMUM_CHARACTERS
    if article.characters < least:
        raise FileTextMissing(f"Could not read the file: it has fewer than {least} characters.")
    return article if article.spoken_title else _named_after(article, name)


def _article_from_facts(facts: dict[str, str]) -> Article:
    title = shorten(clean_line(facts.get("title", "")), TITLE_LENGTH)
    author = shorten(clean_line(facts.get("author", "")), TITLE_LENGTH)
    if "html" in facts:
        return article_from_blocks(
            blocks_of_markup(facts["html"]),
            title=title,
            author=author,
            language=facts.get("language", ""),
        )
    return replace(article_from_text(facts["text"], title=title), author=author)


def _named_after(article: Article, name: str) -> Article:
    """A file that names no title of its own is known by its file's name, which is not spoken."""
    stem = PurePosixPath(name.replace("\\", "/")).stem
    title = clean_line(stem.replace("_", " ").replace("-", " "))
    return replace(article, title=title or article.title)


def _facts(file: IO[bytes], extension: str) -> dict[str, str]:
    command = [sys.executable, "-m", "narration.file_texts", extension]
    try:
        with _PLACES:
            done = subprocess.run(  # noqa: S603 - our own module, by name
                command,
                cwd=Path(__file__).resolve().parent.parent,
                input=file.read(),
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
                env={},
            )
    except subprocess.TimeoutExpired:
        raise FileTextMissing("Could not read the file: reading it takes too long.") from None
    try:
        facts = json.loads(done.stdout)
    except ValueError:
        if done.returncode < 0:
            raise FileTextMissing(
                "Could not read the file: reading it takes more time or memory than is allowed."
            ) from None
        raise FileReadingBroke("The file could not be read: its reader broke off.") from None
    if "refusal" in facts:
        raise FileTextMissing(f"Could not read the file: {facts['refusal']}.")
    return {str(name): str(value) for name, value in facts.items()}
