"""Makes published episodes with real stored files, for tests of feeds, media and counting."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction

from accounts.models import Account
from core.ids import random_text
from core.storage import store_bytes
from episodes.models import Episode, EpisodeDocument
from episodes.services import (
    EpisodeDraft,
    ProducedEpisode,
    StoredAudio,
    StoredDocument,
    attach_production,
    create_episode,
    create_produced_episode,
)
from shows.models import Show

AUDIO = b"ID3\x03\x00\x00\x00\x00\x00\x00" + bytes(range(256)) * 40

_Kind = EpisodeDocument.Kind
DOCUMENTS = {
    _Kind.TRANSCRIPT_VTT: ("text/vtt", "vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello.\n"),
    _Kind.TRANSCRIPT_SRT: (
        "application/x-subrip",
        "srt",
        b"1\n00:00:00,000 --> 00:00:01,000\nHello.\n",
    ),
    _Kind.TRANSCRIPT_JSON: ("application/json", "json", b'{"version":"1.0.0","segments":[]}'),
    _Kind.TRANSCRIPT_HTML: ("text/html", "html", b"<p>Hello.</p>"),
    _Kind.CHAPTERS_JSON: ("application/json+chapters", "json", b'{"version":"1.2.0"}'),
    _Kind.TIMELINE_JSON: ("application/json", "json", b"{}"),
}


def publish_external(
    account: Account, show: Show, *, now: datetime, title: str = "What agents shipped", **fields
) -> Episode:
    """An episode whose audio lies outside, published unless `fields` say otherwise."""
    draft = EpisodeDraft(
        title=title,
        **{"audio_url": "https://cdn.example.com/episode-001.mp3", "audio_length": 9_000} | fields,
    )
    return create_episode(account=account, show_id=show.pk, draft=draft, now=now)


def publish_produced(
    account: Account,
    show: Show,
    *,
    now: datetime,
    title: str = "A narrated article",
    description: str = "",
    audio: bytes = AUDIO,
    publish: bool = True,
) -> Episode:
    """An episode with audio, all documents and two chapters in our storage."""
    with transaction.atomic():
        episode = create_produced_episode(
            account=account,
            show=show,
            title=title,
            author="Ada Author",
            description=description,
            now=now,
        )
    produced = ProducedEpisode(
        audio=_store_audio(audio, now=now),
        documents=[
            StoredDocument(
                kind=kind,
                storage_key=store_bytes(f"documents/{random_text(32)}.{suffix}", content, now=now),
                mime_type=mime_type,
                language="en",
                bytes=len(content),
            )
            for kind, (mime_type, suffix, content) in DOCUMENTS.items()
        ],
        chapters=[{"start": 0.0, "title": "Intro"}, {"start": 3661.5, "title": "Costs & gains"}],
    )
    with transaction.atomic():
        attach_production(episode_id=episode.pk, produced=produced, publish=publish, now=now)
    return Episode.objects.select_related("asset", "show").get(pk=episode.pk)


def _store_audio(audio: bytes, *, now: datetime) -> StoredAudio:
    return StoredAudio(
        storage_key=store_bytes(f"audio/{random_text(32)}.mp3", audio, now=now),
        filename="episode.mp3",
        bytes=len(audio),
        sha256=hashlib.sha256(audio).hexdigest(),
        mime_type="audio/mpeg",
        duration_seconds=61.4,
        header_bytes=10,
    )
