"""Sources: accepting, finding and deleting what is written from."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import IO

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Account
from core.errors import Invalid, NotFound, Unprocessable
from core.ids import random_text
from core.queue import enqueue
from core.storage import release_stored, store_stream
from narration.languages import language_of
from narration.source_urls import source_url
from studio.files import require_known_kind
from studio.models import Source
from studio.states import SourceState

MAX_SOURCES = 20
MAX_TEXT = 500_000
#: Less is no material: nothing could be said from it.
MIN_TEXT = 100


class SourceNotFound(NotFound):
    """No such source in this account."""

    code = "source_not_found"


class SourcesUnknown(Invalid):
    """A request names sources that are not there, or too many."""

    code = "sources_unknown"


class SourcesNotReady(Unprocessable):
    """A source is still being read, or could not be."""

    code = "sources_not_ready"


def sources_of(account: Account) -> QuerySet[Source]:
    """The account's sources, without their text, which no list shows."""
    return Source.objects.visible_to(account).defer("text")


def get_source(*, account: Account, source_id: uuid.UUID) -> Source:
    """The one door to a source. Raises `SourceNotFound`."""
    source = sources_of(account).filter(uuid=source_id).first()
    if source is None:
        raise SourceNotFound("Source not found")
    return source


def add_text_source(*, account: Account, title: str, text: str, now: datetime) -> Source:
    """Add a text, which can be used at once."""
    return Source.objects.create(
        account=account,
        type=Source.Type.TEXT,
        title=title,
        text=text,
        language=language_of(text),
        state=SourceState.COMPLETED,
        due_at=now,
        created_at=now,
        updated_at=now,
    )


def add_url_source(*, account: Account, title: str, url: str, now: datetime) -> Source:
    """Add a page, which a worker reads after the commit.

    Raises `core.web_addresses.UrlInvalid`, `narration.source_urls.LoginOnlyLink`.
    """
    address = source_url(url)
    with transaction.atomic(durable=True):
        return _add_unread(account=account, type=Source.Type.URL, title=title, url=address, now=now)


def add_file_source(
    *, account: Account, title: str, filename: str, content: IO[bytes], now: datetime
) -> Source:
    """Keep a file and have a worker read it after the commit. Raises `files.FileKindUnknown`."""
    content.seek(0)
    require_known_kind(content.read(4_096))
    # A crash after this line leaves a registered file without an owner, which is swept.
    key = store_stream(f"sources/{random_text(32)}", content, now=now)
    with transaction.atomic(durable=True):
        return _add_unread(
            account=account,
            type=Source.Type.FILE,
            title=title,
            filename=filename[:255],
            storage_key=key,
            now=now,
        )


def delete_source(*, account: Account, source_id: uuid.UUID) -> None:
    """Delete a source; what was made from it stays. Raises `SourceNotFound`."""
    with transaction.atomic(durable=True):
        found = Source.objects.visible_to(account).select_for_update()
        source = found.filter(uuid=source_id).defer("text").first()
        if source is None:
            raise SourceNotFound("Source not found")
        if source.storage_key:
            release_stored([source.storage_key])
        source.delete()


def require_sources(*, account: Account, source_ids: Sequence[uuid.UUID]) -> list[Source]:
    """The sources that a request names, in its order, ready to be used.

    Raises `SourcesUnknown`, `SourcesNotReady`.
    """
    wanted = list(dict.fromkeys(source_ids))
    if len(wanted) > MAX_SOURCES:
        raise SourcesUnknown(f"source_ids: at most {MAX_SOURCES} sources.", field="source_ids")
    by_id = {
        source.uuid: source for source in Source.objects.visible_to(account).filter(uuid__in=wanted)
    }
    for source_id in wanted:
        if source_id not in by_id:
            raise SourcesUnknown(
                f'source_ids: there is no source "{source_id}"; GET /v1/sources lists them.',
                field="source_ids",
            )
        state = by_id[source_id].state
        if state != SourceState.COMPLETED:
            raise SourcesNotReady(
                f'source_ids: the source "{source_id}" is {state}; only completed ones can be used.',
                field="source_ids",
            )
    return [by_id[source_id] for source_id in wanted]


def _add_unread(*, account: Account, now: datetime, **fields: object) -> Source:
    source = Source.objects.create(
        account=account, due_at=now, created_at=now, updated_at=now, **fields
    )
    enqueue("studio.read_source", source_id=source.pk)
    return source
