"""Turns a file's bytes into an article, whatever kind of file it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from django.conf import settings

from core.errors import Invalid
from core.text import clean_line
from narration.decoding import decode_page
from narration.extraction import Article, article_from_blocks, article_from_html, article_from_text
from narration.file_texts import READERS, Contents, Refused
from narration.markup import blocks_of_markup
from narration.titles import TITLE_LENGTH, shorten
from production.document import Block


class FileTextMissing(Invalid):
    """The file is damaged, locked, or has too little text in it."""

    code = "file_text_missing"


def article_from_file(content: bytes, *, kind: str, name: str) -> Article:
    """The article in a file of one of `narration.file_kinds.FILE_KINDS`, "csv", "pptx" or "zip".

    Raises `FileTextMissing`, and for HTML what `narration.extraction.article_from_html` raises.
    """
    if kind == "html":
        article = article_from_html(decode_page(content), url="")
    elif kind in READERS:
        article = _article_from(_contents(kind, content))
    else:
        article = article_from_text(decode_page(content))
    least = settings.NARRATION_MINIMUM_CHARACTERS
    if article.characters < least:
        raise FileTextMissing(f"Could not read the file: it has fewer than {least} characters.")
    return article if article.spoken_title else _named_after(article, name)


def _contents(kind: str, content: bytes) -> Contents:
    try:
        return READERS[kind](content)
    except Refused as refusal:
        raise FileTextMissing(f"Could not read the file: {refusal}.") from refusal
    except MemoryError:
        raise
    except Exception as error:
        # Libraries raise all sorts on hostile files; whatever they meet inside is damage.
        raise FileTextMissing("Could not read the file: it is damaged.") from error


def _article_from(found: Contents) -> Article:
    title = shorten(clean_line(found.title), TITLE_LENGTH)
    author = shorten(clean_line(found.author), TITLE_LENGTH)
    if found.text:
        return replace(article_from_text(found.text, title=title), author=author)
    blocks = tuple(Block("paragraph", line) for line in found.lines)
    return article_from_blocks(
        blocks or blocks_of_markup(found.html),
        title=title,
        author=author,
        language=found.language,
    )


def _named_after(article: Article, name: str) -> Article:
    """A file that names no title of its own is known by its file's name, which is not spoken."""
    stem = PurePosixPath(name.replace("\\", "/")).stem
    title = clean_line(stem.replace("_", " ").replace("-", " "))
    return replace(article, title=title or article.title)
