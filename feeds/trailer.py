"""Makes the trailer of a show without episodes: written from its texts, spoken by a worker."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Account
from billing.services import lock_quota
from core.errors import Conflict, PodwrightError
from episodes.locking import locked_show
from episodes.models import Episode
from episodes.services import create_produced_episode, restart_production
from episodes.states import ProductionState, Publication
from feeds.models import Trailer
from feeds.notes import plain_text
from production.composing import NothingToRead, compose_script
from production.document import document_from_text
from production.script import Script
from production.sentences import split_sentences
from production.services import start_production
from production.voices.registry import voice_catalog
from shows.models import Show

#: A minute and a half of speech; descriptions may be longer than anybody listens to a trailer.
SPOKEN_CHARACTERS = 1_200
#: Together with the probes less than the 30 seconds that clients wait.
WAIT_SECONDS = 14.0
_LOOK_EVERY_SECONDS = 0.1
TITLE_LENGTH = 1_000


class TrailerNotReady(Conflict):
    """The trailer is still being spoken; the same call a little later finds it."""

    code = "trailer_not_ready"

    def __init__(self) -> None:
        super().__init__(
            "The trailer is still being spoken. Send the request again in a few seconds.",
            details={"retry_after": 5},
        )


class TrailerFailed(PodwrightError):
    """The trailer could not be spoken; the message is the production's."""

    code = "trailer_failed"


@dataclass(frozen=True, slots=True)
class WrittenTrailer:
    """What is going to be spoken, and by which voice."""

    script: Script
    voice: str


def write_trailer(show: Show) -> WrittenTrailer:
    """The trailer's script: title, author and the beginning of the description.

    Raises a `PodwrightError` when there is no voice for the language, or nothing that can be spoken.
    """
    voice = voice_catalog().voice_for(show.language)
    document = document_from_text(_beginning(show), language=show.language)
    try:
        script = compose_script(
            document,
            voice=voice.id,
            speaker=voice.name,
            title=show.title,
            author=show.author or "",
        )
    except NothingToRead:
        only_title = document_from_text(show.title, language=show.language)
        script = compose_script(only_title, voice=voice.id, speaker=voice.name)
    return WrittenTrailer(script, voice.id)


def make_trailer(
    *, account: Account, show_id: int, written: WrittenTrailer, now: datetime
) -> Episode | None:
    """The published trailer; None when the show got another episode meanwhile.

    Calls at the same time, and calls after one that was cut off, wait for the same trailer.
    Raises `shows.ShowNotFound`, `TrailerNotReady`, `TrailerFailed`.
    """
    episode_id = _start(account=account, show_id=show_id, written=written, now=now)
    return _finished(episode_id) if episode_id is not None else None


def _start(*, account: Account, show_id: int, written: WrittenTrailer, now: datetime) -> int | None:
    with transaction.atomic(durable=True):
        lock_quota(account)
        # The lock under which two calls agree on one trailer.
        show = locked_show(account=account, show_id=show_id)
        trailer = Trailer.objects.select_related("episode").filter(show=show).first()
        if trailer is None:
            if show.episodes.exists():
                return None
            episode = create_produced_episode(
                account=account,
                show=show,
                title=f"{show.title[: TITLE_LENGTH - 10]} — Trailer",
                author=show.author or "",
                description=show.description or "",
                episode_type=Episode.Type.TRAILER,
                uses_quota=False,
                now=now,
            )
            Trailer.objects.create(show=show, episode=episode, created_at=now)
        elif trailer.episode.production_state == ProductionState.FAILED:
            episode = restart_production(episode_id=trailer.episode_id, now=now)
        else:
            return trailer.episode_id
        start_production(
            episode=episode,
            script=written.script,
            voice=written.voice,
            publish_on_complete=True,
            now=now,
        )
        return episode.pk


def _finished(episode_id: int) -> Episode:
    """Wait for the worker; the row says how far it is, whoever works on it."""
    ends_at = time.monotonic() + WAIT_SECONDS
    while True:
        episode = Episode.objects.select_related("show", "asset").filter(pk=episode_id).first()
        if episode is None:
            raise TrailerFailed("it was deleted while it was spoken")
        if episode.production_state == ProductionState.FAILED:
            raise TrailerFailed(episode.error_message.rstrip("."))
        if episode.state == Publication.PUBLISHED:
            return episode
        if time.monotonic() >= ends_at:
            raise TrailerNotReady
        time.sleep(_LOOK_EVERY_SECONDS)


def _beginning(show: Show) -> str:
    """The description without markup, whole sentences up to SPOKEN_CHARACTERS."""
    kept: list[str] = []
    room = SPOKEN_CHARACTERS
    for sentence in split_sentences(plain_text(show.description or ""), show.language):
        room -= len(sentence)
        if room < 0 and kept:
            break
        kept.append(sentence)
    return " ".join(kept)
