"""Reads sources in the background: fetches pages, takes the text out of files, and says why it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from core.errors import Invalid, PodwrightError
from core.storage import delete_stored, open_stored
from narration.extraction import Article
from narration.fetching import fetch_source
from narration.source_reading import ReadingBroke, may_pass, read_file, read_page
from production.document import Block
from studio.files import kind_of_file
from studio.models import Source
from studio.querysets import SourceQuerySet
from studio.sources import MAX_TEXT, MIN_TEXT
from studio.states import SourceState

log = structlog.get_logger(__name__)

#: Longer than fetching a page or reading a file takes; a worker that dies is found out after it.
LEASE = timedelta(minutes=3)
RETRY_AFTER = (timedelta(seconds=10), timedelta(seconds=60))
MAX_ATTEMPTS = len(RETRY_AFTER) + 1
_NOT_MATERIAL = frozenset({"code", "table", "caption"})
_MARKS = {"list_item": "- ", "quote": "> "}


class SourceUnsuitable(Invalid):
    """There is too little text in it, or too much."""

    code = "source_unsuitable"


class FileLost(Invalid):
    """The file is in storage no more."""

    code = "file_lost"


@dataclass(frozen=True, slots=True)
class _Found:
    title: str
    text: str
    language: str


def read_source(*, source_id: int, now: datetime) -> bool:
    """Read the source if it waits and is due; True when this call did the work.

    Safe to call twice and from several workers at once: one claims the row, the others leave.
    """
    source = _claim(source_id=source_id, now=now)
    if source is None:
        return False
    if source.attempts > MAX_ATTEMPTS:
        _give_up_or_retry(source, _broke(), now=now)
        return True
    try:
        _complete(source, _read(source), now=now)
    except PodwrightError as error:
        _give_up_or_retry(source, error, now=now)
    except Exception:
        # Pages and files are hostile: whatever breaks on one must not block the queue.
        log.exception("source_reading_broke", source_id=source_id)
        _give_up_or_retry(source, _broke(), now=now)
    return True


def due_sources(*, now: datetime, limit: int = 500) -> list[int]:
    """Ids of what waits and is due or was abandoned, longest waiting first."""
    return Source.objects.claimable_ids(now=now, limit=limit)


def markdown_of(article: Article) -> str:
    """The article's words as Markdown, without code, tables and captions."""
    return "\n\n".join(
        _marked(block) for block in article.document.blocks if block.kind not in _NOT_MATERIAL
    )


def _claim(*, source_id: int, now: datetime) -> Source | None:
    lease = Source.objects.filter(pk=source_id).claim(now=now, lasting=LEASE)
    return Source.objects.held(pk=source_id, lease=lease).first()


def _read(source: Source) -> _Found:
    """The slow part, outside of any transaction."""
    found = _read_page(source) if source.type == Source.Type.URL else _read_file(source)
    if len(found.text) < MIN_TEXT:
        raise SourceUnsuitable(f"There are fewer than {MIN_TEXT} characters of text in it.")
    if len(found.text) > MAX_TEXT:
        raise SourceUnsuitable(
            f"There are {len(found.text):,} characters of text in it; {MAX_TEXT:,} can be used."
        )
    return found


def _read_page(source: Source) -> _Found:
    article = read_page(fetch_source(source.url))
    return _Found(article.title, markdown_of(article), article.language)


def _read_file(source: Source) -> _Found:
    try:
        stored = open_stored(source.storage_key)
    except FileNotFoundError:
        raise FileLost("The file was not read in time; send it again.") from None
    with stored as file:
        kind = kind_of_file(file.read(len(b"%PDF-")), source.filename)
        file.seek(0)
        article = read_file(file, kind=kind, name=source.filename)
    # What a file calls itself is the first of its headings.
    heading = f"## {article.spoken_title}\n\n" if article.spoken_title else ""
    return _Found(article.title, heading + markdown_of(article), article.language)


def _complete(source: Source, found: _Found, *, now: datetime) -> None:
    _end_lease(
        source,
        now=now,
        state=SourceState.COMPLETED,
        title=source.title or found.title[:255],
        text=found.text,
        language=found.language,
        error_code="",
        error_message="",
    )


def _give_up_or_retry(source: Source, error: PodwrightError, *, now: datetime) -> None:
    if source.attempts < MAX_ATTEMPTS and may_pass(error):
        due_at = now + RETRY_AFTER[source.attempts - 1]
        with transaction.atomic(durable=True):
            _held(source).release(due_at=due_at, error_code=error.code)
        return
    _end_lease(
        source,
        now=now,
        state=SourceState.ERROR,
        error_code=error.code,
        error_message=error.message,
    )
    log.info("source_failed", source_id=source.pk, code=error.code)


def _end_lease(source: Source, *, now: datetime, **changes: object) -> None:
    """Store how it ended, unless another worker has taken over; the file is not needed any more."""
    with transaction.atomic(durable=True):
        ended = _held(source).release(storage_key="", updated_at=now, **changes)
    if ended and source.storage_key:
        delete_stored(source.storage_key)


def _held(source: Source) -> SourceQuerySet:
    return Source.objects.held(pk=source.pk, lease=source.lease)


def _marked(block: Block) -> str:
    if block.kind == "heading":
        return f"{'#' * max(2, block.level)} {block.text}"
    return _MARKS.get(block.kind, "") + block.text


def _broke() -> ReadingBroke:
    return ReadingBroke("The source could not be read: the work broke off several times.")
