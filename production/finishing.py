"""From finished samples to stored files: timeline, transcripts, chapters, tags, audio."""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from core.pictures import COVER_TYPE
from core.storage import delete_stored, open_stored, store_bytes, store_file
from episodes.models import Episode, EpisodeDocument
from episodes.services import ProducedEpisode, StoredAudio, StoredDocument
from production.assembling import AssembledAudio
from production.chapters import to_json_chapters, visible_chapters
from production.encoding import CONTENT_TYPE
from production.script import Script
from production.tags import Cover, EpisodeTags, TagChapter, write_tags
from production.timeline import Timeline, build_timeline
from production.transcripts import to_html, to_json, to_srt, to_vtt
from production.trimming import SAMPLE_RATE

Kind = EpisodeDocument.Kind

#: Kind, file name, content and MIME type of a document.
_Made = tuple[str, str, bytes, str]


@dataclass(frozen=True, slots=True)
class StoredProduction:
    """What attaches to the episode, and the storage keys to remove if it cannot be attached."""

    produced: ProducedEpisode
    keys: tuple[str, ...]


def store_production(
    episode: Episode, script: Script, audio: AssembledAudio, *, now: datetime
) -> StoredProduction:
    """Tag the MP3 and store it with its documents, under a folder that nobody can guess.

    Needs `episode.show`. A crash leaves registered files without an owner, which are swept.
    """
    timeline = build_timeline(script, audio.placements, audio.duration, sample_rate=SAMPLE_RATE)
    folder = f"audio/{secrets.token_hex(16)}"
    stored_audio = _store_audio(episode, timeline, audio, folder, now=now)
    documents: list[StoredDocument] = []
    try:
        documents.extend(
            _store_document(folder=folder, made=made, language=timeline.language, now=now)
            for made in _documents(timeline)
        )
    except Exception:
        for key in (stored_audio.storage_key, *(document.storage_key for document in documents)):
            delete_stored(key)
        raise
    return StoredProduction(
        produced=ProducedEpisode(
            audio=stored_audio,
            documents=documents,
            chapters=[
                {"start": round(chapter.start, 3), "title": chapter.title}
                for chapter in visible_chapters(timeline)
            ],
        ),
        keys=(stored_audio.storage_key, *(document.storage_key for document in documents)),
    )


def _store_audio(
    episode: Episode, timeline: Timeline, audio: AssembledAudio, folder: str, *, now: datetime
) -> StoredAudio:
    header_bytes = write_tags(
        audio.path,
        EpisodeTags(
            title=episode.title,
            artist=episode.author or episode.show.author or "",
            album=episode.show.title,
            language=timeline.language,
            year=now.year,
            duration=audio.duration,
            cover=_cover(episode),
            chapters=[
                TagChapter(title=chapter.title, start=chapter.start, end=chapter.end)
                for chapter in visible_chapters(timeline)
            ],
        ),
    )
    with audio.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    filename = f"{episode.public_id}.mp3"
    return StoredAudio(
        storage_key=store_file(f"{folder}/{filename}", audio.path, now=now),
        filename=filename,
        bytes=audio.path.stat().st_size,
        sha256=digest,
        mime_type=CONTENT_TYPE,
        duration_seconds=audio.duration,
        header_bytes=header_bytes,
    )


def _cover(episode: Episode) -> Cover | None:
    """Its own cover, else the show's, as stored here; one at an address outside is not fetched for it."""
    for key in (episode.cover_key, episode.show.cover_key):
        # Replaced since the row was read: the audio is worth more than its picture.
        with suppress(FileNotFoundError):
            if key:
                with open_stored(key) as file:
                    return Cover(file.read(), COVER_TYPE)
    return None


def _documents(timeline: Timeline) -> list[_Made]:
    """Every document that the timeline gives; no chapters file without chapters."""
    made = [
        (Kind.TRANSCRIPT_VTT, "transcript.vtt", to_vtt(timeline).encode(), "text/vtt"),
        (Kind.TRANSCRIPT_SRT, "transcript.srt", to_srt(timeline).encode(), "application/x-subrip"),
        (Kind.TRANSCRIPT_JSON, "transcript.json", to_json(timeline).encode(), "application/json"),
        (Kind.TRANSCRIPT_HTML, "transcript.html", to_html(timeline).encode(), "text/html"),
        (
            Kind.TIMELINE_JSON,
            "timeline.json",
            json.dumps(timeline.to_json(), ensure_ascii=False, separators=(",", ":")).encode(),
            "application/json",
        ),
    ]
    if visible_chapters(timeline):
        made.append(
            (
                Kind.CHAPTERS_JSON,
                "chapters.json",
                to_json_chapters(timeline),
                "application/json+chapters",
            )
        )
    return [(str(kind), name, content, mime) for kind, name, content, mime in made]


def _store_document(*, folder: str, made: _Made, language: str, now: datetime) -> StoredDocument:
    kind, name, content, mime_type = made
    return StoredDocument(
        kind=kind,
        storage_key=store_bytes(f"{folder}/{name}", content, now=now),
        mime_type=mime_type,
        language=language,
        bytes=len(content),
    )
