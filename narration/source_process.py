"""Reads one source in a process of its own, with little memory and time to lose.

Pages and files come from strangers, and their readers are large programs. What comes back is plain
JSON, of which the asking process believes no more than its types.
"""

from __future__ import annotations

import logging
import resource
import warnings
from multiprocessing.connection import Connection

import msgspec
from django.conf import settings

from core.errors import PodwrightError
from narration.extraction import Article, article_from_html
from narration.file_articles import article_from_file
from narration.languages import loaded_identifier
from narration.pages import article_from_page

TOO_COSTLY = "too_costly"
BROKE = "broke"


class Job(msgspec.Struct, frozen=True):
    """What to read: `kind` is "page" (fetched), "html" (a page as text), or a kind of file.

    `minimum` is the least number of characters that make an article; limits are bytes and seconds of
    processor time.
    """

    kind: str
    minimum: int
    memory: int
    seconds: int
    url: str = ""
    content_type: str = ""
    charset: str = ""
    name: str = ""


class Answer(msgspec.Struct, frozen=True):
    """The article, or the code and message of the refusal."""

    article: Article | None = None
    code: str = ""
    message: str = ""


def read_for(connection: Connection) -> None:
    """Take a job and its bytes, send the answer, and end."""
    # While files may be written yet.
    loaded_identifier()
    job = msgspec.json.decode(connection.recv_bytes(), type=Job)
    content = connection.recv_bytes()
    _limit(job)
    try:
        answer = msgspec.json.encode(_answer(job, content))
    except MemoryError:
        answer = msgspec.json.encode(Answer(code=TOO_COSTLY))
    connection.send_bytes(answer)


def _limit(job: Job) -> None:
    # The second before the end kills; the first one only asks, and is not caught.
    resource.setrlimit(resource.RLIMIT_CPU, (job.seconds, job.seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (job.memory, job.memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    if not settings.configured:
        settings.configure(NARRATION_MINIMUM_CHARACTERS=job.minimum)


def _answer(job: Job, content: bytes) -> Answer:
    try:
        return Answer(article=_article(job, content))
    except PodwrightError as error:
        return Answer(code=error.code, message=error.message)
    except MemoryError:
        return Answer(code=TOO_COSTLY)
    except Exception as error:  # noqa: BLE001 - the asking process decides whether to try again
        return Answer(code=BROKE, message=type(error).__name__)


def _article(job: Job, content: bytes) -> Article:
    if job.kind == "html":
        return article_from_html(content.decode("utf-8", "replace"), url=job.url)
    if job.kind == "page":
        return article_from_page(
            content, url=job.url, content_type=job.content_type, charset=job.charset
        )
    return article_from_file(content, kind=job.kind, name=job.name)
