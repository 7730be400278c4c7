"""The one room in which pages and files are read: by child processes, a few at a time, within bounds."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import IO
from urllib.parse import unquote, urlsplit

import msgspec
import structlog
from django.conf import settings

from core.errors import Invalid, PodwrightError, Upstream
from core.http import BadStatus, Fetched
from narration.diagnosis import ArticleNotFound
from narration.extraction import Article, PageTooComplex
from narration.file_articles import FileTextMissing
from narration.file_kinds import START_BYTES, document_kind
from narration.pages import NotAnArticle
from narration.source_process import TOO_COSTLY, Answer, Job, read_for

log = structlog.get_logger(__name__)

MEMORY_BYTES = 1 << 30
#: Of processor time; a busy machine gets twice as long for it.
CPU_SECONDS = 30
TIMEOUT_SECONDS = 60.0
#: The threads of a worker share these.
PLACES = 2
#: For a place; with the reading itself it stays under the leases of those who wait.
PATIENCE_SECONDS = 60.0
_REFUSALS: dict[str, type[PodwrightError]] = {
    kind.code: kind for kind in (ArticleNotFound, PageTooComplex, NotAnArticle, FileTextMissing)
}
_TEMPORARY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_places = threading.BoundedSemaphore(PLACES)


class ReadingTooCostly(Invalid):
    """Reading it needs more time or memory than one source may have."""

    code = "reading_too_costly"


class ReadingBroke(Upstream):
    """The child process ended without an answer, or never got its turn."""

    code = "reading_broke"


def read_page(page: Fetched) -> Article:
    """The article in what was fetched: a page, a text, or a PDF, Word or EPUB file.

    Raises `NotAnArticle`, `ArticleNotFound`, `PageTooComplex`, `ReadingTooCostly`, `ReadingBroke`,
    and of files `FileTextMissing`.
    """
    name = unquote(urlsplit(page.url).path.rpartition("/")[2])
    kind = document_kind(name, content_type=page.content_type, start=page.body[:START_BYTES])
    if kind is not None:
        article = _read(kind.extension, page.body, name=name)
        return replace(article, url=page.url)
    return _read(
        "page", page.body, url=page.url, content_type=page.content_type, charset=page.charset
    )


def read_html(html: str, *, url: str) -> Article:
    """The article in the page at `url`, given as text. Raises as `read_page`."""
    return _read("html", html.encode("utf-8", "replace"), url=url)


def read_file(file: IO[bytes], *, kind: str, name: str) -> Article:
    """The article in an open file: see `narration.file_articles.article_from_file`.

    Raises `FileTextMissing` and, for HTML files, as `read_page`.
    """
    return _read(kind, file.read(), name=name)


def may_pass(error: PodwrightError) -> bool:
    """Whether what went wrong with a source may go well later."""
    if isinstance(error, BadStatus):
        return error.details.get("status") in _TEMPORARY_STATUS
    return isinstance(error, Upstream) and error.code not in _REFUSALS


def _read(
    kind: str,
    content: bytes,
    *,
    url: str = "",
    content_type: str = "",
    charset: str = "",
    name: str = "",
) -> Article:
    job = Job(
        kind=kind,
        minimum=settings.NARRATION_MINIMUM_CHARACTERS,
        memory=MEMORY_BYTES,
        seconds=CPU_SECONDS,
        url=url,
        content_type=content_type,
        charset=charset,
        name=name,
    )
    if not _places.acquire(timeout=PATIENCE_SECONDS):
        raise ReadingBroke("The source could not be read: others took too long. Try again later.")
    try:
        answer = _answer(job, content)
    finally:
        _places.release()
    if answer.article is not None:
        return answer.article
    if answer.code == TOO_COSTLY:
        raise _too_costly()
    if answer.code in _REFUSALS:
        raise _REFUSALS[answer.code](answer.message)
    log.error("source_reading_broke", kind=kind, error=answer.message)
    raise ReadingBroke("The source could not be read: its reader broke off.")


def _answer(job: Job, content: bytes) -> Answer:
    """What a child says. Raises `ReadingTooCostly`, `ReadingBroke`."""
    ours, theirs = _context().Pipe()
    child = _context().Process(target=read_for, args=(theirs,), daemon=True)
    child.start()
    theirs.close()
    try:
        return _exchange(ours, job, content)
    except (EOFError, OSError):
        # How it ended is told by the fork server, which may have to wait for its turn.
        child.join(10)
        log.warning("source_reader_died", kind=job.kind, exit_code=child.exitcode)
        if _ran_out_of_time(child):
            raise _too_costly() from None
        return Answer(message="died")
    finally:
        child.kill()
        child.join()
        child.close()
        ours.close()


def _exchange(connection: Connection, job: Job, content: bytes) -> Answer:
    connection.send_bytes(msgspec.json.encode(job))
    connection.send_bytes(content)
    if not connection.poll(TIMEOUT_SECONDS):
        raise _too_costly()
    return msgspec.json.decode(connection.recv_bytes(), type=Answer)


def _ran_out_of_time(child: ForkServerProcess) -> bool:
    return child.exitcode == -signal.SIGXCPU


def _too_costly() -> ReadingTooCostly:
    return ReadingTooCostly(
        "Could not extract article content: reading the source takes more time or memory than is "
        "allowed. Send the text itself instead (source_type text)."
    )


@cache
def _context() -> ForkServerContext:
    """Children are forked from a small process that has the readers loaded already, and no threads."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["narration.source_preload"])
    return context
