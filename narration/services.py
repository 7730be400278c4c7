"""Accepting, finding and deleting narrations: each change is one transaction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Account
from billing.services import lock_quota, use_episode
from core.errors import Conflict, NotFound
from core.forms import ReceivedFile
from core.ids import random_text
from core.queue import enqueue
from core.storage import store_stream
from episodes.locking import EpisodeNotFound, locked_show
from episodes.models import Episode, EpisodeDocument
from episodes.services import (
    StoredDocument,
    attach_source,
    create_produced_episode,
    delete_episode,
    set_production_state,
)
from episodes.states import ProductionState
from narration.file_kinds import START_BYTES, file_kind
from narration.limits import (
    HOUR,
    require_acceptable_length,
    require_enough,
    require_episodes_left,
    require_hourly_room,
)
from narration.models import Narration, NarrationRequest
from narration.source_urls import source_url
from production.voices.registry import voice_catalog
from shows.models import Show
from shows.services import ShowDraft, create_show, ensure_narration_show, feed_url, get_show

#: What the contract shows until the real value is known (contracts/podread.md section 3.0).
UNKNOWN_YET = "Processing..."
_PUBLIC_ID = re.compile(r"ep_[A-Za-z0-9]{1,29}", re.ASCII)
_DESCRIPTIONS = {
    Narration.SourceType.URL: "Processing article from URL...",
    Narration.SourceType.EXTENSION: "Processing article from a browser...",
    Narration.SourceType.FILE: "Processing uploaded file...",
    Narration.SourceType.PASTE: "Processing pasted text...",
}


class NarrationNotFound(NotFound):
    """No such narration in this account."""

    code = "narration_not_found"


class NarrationNotFailed(Conflict):
    """Only what has failed can be tried again."""

    code = "narration_not_failed"


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody wants to hear, cleaned; "" where nothing was said.

    It goes into the show `show_id`, or into the account's own feed of narrations.
    It is one of: an address (`url`); the page at an address, as the client saw it (`url` with
    `html`); a file; a `text`. A browser extension sends address and page or text. What is given of
    title, author and description wins over what the source says.
    """

    url: str = ""
    html: str = ""
    text: str = ""
    file: ReceivedFile | None = None
    from_extension: bool = False
    title: str = ""
    author: str = ""
    description: str = ""
    voice: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)
    show_id: int | None = None

    @property
    def source_type(self) -> Narration.SourceType:
        """The contract's word for where the text comes from."""
        if self.from_extension:
            return Narration.SourceType.EXTENSION
        if self.file is not None:
            return Narration.SourceType.FILE
        return Narration.SourceType.URL if self.url else Narration.SourceType.PASTE


def submit_narration(*, account: Account, submission: Submission, now: datetime) -> Narration:
    """Accept a narration; a worker prepares it after the commit.

    Raises `core.web_addresses.UrlInvalid`, `narration.source_urls.LoginOnlyLink`,
    `narration.file_kinds.FileUnreadable`, `production.voices.base.VoiceUnknown`, and the refusals
    of `narration.limits`.
    """
    source_type = submission.source_type
    address = source_url(submission.url) if submission.url else ""
    if source_type == Narration.SourceType.PASTE or submission.text:
        require_acceptable_length(account=account, characters=len(submission.text))
    elif submission.from_extension:
        require_enough(len(submission.html))
    if submission.voice:
        voice_catalog().voice(submission.voice)
    # Before the transaction; what a refusal leaves behind has no owner and is swept.
    source = _stored(submission.file, now=now) if submission.file is not None else None
    with transaction.atomic(durable=True):
        # The lock makes the counts below exact, however many requests arrive at once.
        lock_quota(account)
        require_episodes_left(account=account, now=now)
        require_hourly_room(account=account, now=now)
        episode = create_produced_episode(
            account=account,
            show=_show(account=account, show_id=submission.show_id, now=now),
            title=submission.title or UNKNOWN_YET,
            author=submission.author or UNKNOWN_YET,
            description=submission.description or _DESCRIPTIONS[source_type],
            now=now,
        )
        if source is not None:
            attach_source(episode=episode, source=source, now=now)
        narration = Narration.objects.create(
            episode=episode,
            source_type=source_type,
            source_url=address,
            requested_url=submission.url,
            text=submission.text,
            html=submission.html,
            file_name=submission.file.name or "" if submission.file else "",
            voice=submission.voice,
            rules=dict(submission.rules),
            title=submission.title,
            author=submission.author,
            description=submission.description,
            due_at=now,
            created_at=now,
        )
        _note_request(account=account, now=now)
        enqueue("narration.prepare", narration_id=narration.pk)
    return narration


def get_narration(*, account: Account, public_id: str) -> Narration:
    """The one door to a narration, by its episode's public id. Raises `NarrationNotFound`."""
    found = Narration.objects.visible_to(account).with_episode()
    narration = None
    # Not every string may be asked for: PostgreSQL refuses a NUL.
    if _PUBLIC_ID.fullmatch(public_id):
        narration = found.filter(episode__public_id=public_id).first()
    if narration is None:
        raise NarrationNotFound("Episode not found")
    return narration


def delete_narration(*, account: Account, public_id: str, now: datetime) -> None:
    """Delete the narration with its episode; the feed forgets it. Raises `NarrationNotFound`."""
    narration = get_narration(account=account, public_id=public_id)
    try:
        delete_episode(account=account, episode_id=narration.episode_id, now=now)
    except EpisodeNotFound:
        # Deleted by somebody else since the line above.
        raise NarrationNotFound("Episode not found") from None


def retry_narration(*, narration_id: int, now: datetime) -> None:
    """Queue a failed narration again, from its source on.

    Raises `NarrationNotFound`, `NarrationNotFailed`, `billing.EpisodeQuotaExceeded`.
    """
    with transaction.atomic(durable=True):
        found = Narration.objects.filter(pk=narration_id)
        owner = Account.objects.filter(shows__episodes__narration=narration_id).first()
        if owner is None:
            raise NarrationNotFound("Episode not found")
        lock_quota(owner)
        # The episode's row before the narration's, as everywhere: another order could deadlock.
        episode = (
            Episode.objects.select_for_update(of=("self",))
            .select_related("show__account")
            .filter(pk__in=found.values("episode_id"))
            .first()
        )
        if episode is None:
            raise NarrationNotFound("Episode not found")
        failed = found.filter(episode__production_state=ProductionState.FAILED)
        restarted = failed.release(
            state=Narration.State.WAITING, attempts=0, due_at=now, error_code=""
        )
        if not restarted:
            raise NarrationNotFailed("Only a failed narration can be tried again.")
        use_episode(account=episode.show.account, reference=str(episode.guid), now=now)
        set_production_state(episode_id=episode.pk, state=ProductionState.PENDING, now=now)
        enqueue("narration.prepare", narration_id=narration_id)


def narration_feed_url(*, account: Account, now: datetime) -> str:
    """The address of the account's private feed of narrations; its show is made on first use."""
    with transaction.atomic(durable=True):
        return feed_url(ensure_narration_show(account=account, now=now))


def private_feeds(*, account: Account) -> QuerySet[Show]:
    """The account's private feeds, its own for narrations among them, oldest first."""
    found = Show.objects.visible_to(account).filter(visibility=Show.Visibility.PRIVATE)
    return found.order_by("pk")


def add_private_feed(*, account: Account, title: str, now: datetime) -> Show:
    """One more private feed, for what names it by `show_id`. Raises `billing.ShowQuotaExceeded`."""
    draft = ShowDraft(
        title=title,
        slug=f"narrations-{random_text(10).lower()}",
        description="Articles and texts, read aloud.",
        author=account.name or "Podwright",
        category="Technology",
        visibility=Show.Visibility.PRIVATE,
    )
    return create_show(account=account, draft=draft, now=now)


def _stored(file: ReceivedFile, *, now: datetime) -> StoredDocument:
    """The file in storage. Raises `narration.file_kinds.FileUnreadable`."""
    kind = file_kind(file.name or "", file.read(START_BYTES))
    key = f"sources/{random_text(24)}/source.{kind.extension}"
    return StoredDocument(
        kind=EpisodeDocument.Kind.SOURCE_FILE,
        storage_key=store_stream(key, file, now=now),
        mime_type=kind.mime_type,
        language="",
        bytes=file.size or 0,
    )


def _show(*, account: Account, show_id: int | None, now: datetime) -> Show:
    if show_id is None:
        return ensure_narration_show(account=account, now=now)
    return locked_show(account=account, show_id=show_id)


def feed_show(*, account: Account, show_id: int | None, now: datetime) -> Show:
    """The show `show_id`, or the account's own for narrations. Raises `shows.ShowNotFound`."""
    if show_id is not None:
        return get_show(account=account, show_id=show_id)
    with transaction.atomic(durable=True):
        return ensure_narration_show(account=account, now=now)


def _note_request(*, account: Account, now: datetime) -> None:
    """Count the request; what is older than an hour counts no more and goes."""
    requests = NarrationRequest.objects.filter(account=account)
    requests.filter(created_at__lte=now - HOUR).delete()
    requests.create(account=account, created_at=now)
