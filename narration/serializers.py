"""Shapes of the PodRead contract: what a POST may hold, and the object of eleven keys."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from core.errors import Invalid
from core.forms import ReceivedFile
from core.routes import MAX_ID
from core.text import clean_line, clean_text
from episodes.addresses import audio_address
from episodes.states import ProductionState
from narration.models import Narration
from narration.services import Submission
from production.reading_rules import checked_rules
from production.voices.base import Voice
from shows.listeners import listener_url
from shows.models import FeedListener, Show
from shows.services import feed_url

MAX_TITLE_LENGTH = 255
MAX_DESCRIPTION_LENGTH = 1_000
MAX_VOICE_LENGTH = 100
_READ_ONLY = ("file", "email")
_TAG = re.compile(r"<(?:!doctype|[a-z][a-z0-9]*)\b[^<>]*>", re.IGNORECASE)


class SubmissionInvalid(Invalid):
    """The body of a POST is refused; the message is the contract's own."""

    code = "submission_invalid"


def submission_from(body: object, *, is_form: bool = False) -> Submission:
    """The submission that a parsed JSON body or form holds. Raises `SubmissionInvalid`.

    Unknown fields are ignored.
    """
    if not isinstance(body, Mapping):
        raise SubmissionInvalid("The request body must be a JSON object.")
    source_type = body.get("source_type")
    if source_type is None or source_type == "":
        raise SubmissionInvalid("source_type is required. Use 'url', 'text', or 'extension'.")
    file = body.get("file")
    if source_type == "file" and isinstance(file, ReceivedFile):
        return replace(_described(body), file=file)
    if source_type == "file" and is_form:
        raise SubmissionInvalid("File is missing: send it as the part 'file'", field="file")
    if source_type in _READ_ONLY:
        raise SubmissionInvalid(
            f"source_type '{source_type}' is read-only and cannot be submitted via this API. "
            "Use 'url', 'text', or 'extension'."
        )
    if source_type == "url":
        page = _content(body, "html", "Html") if body.get("html") is not None else ""
        return replace(_described(body), url=_url(body.get("url")), html=page)
    if source_type == "text":
        return replace(_described(body), text=_content(body, "text", "Content"))
    if source_type == "extension":
        return _from_extension(body)
    raise SubmissionInvalid("source_type must be 'url', 'text', or 'extension'.")


def _from_extension(body: Mapping[str, object]) -> Submission:
    url = _url(body.get("url"))
    described = _described(body)
    if not described.title:
        raise SubmissionInvalid("Title can't be blank", field="title")
    content = _content(body, "content", "Content")
    is_page = bool(_TAG.search(content))
    return replace(
        described,
        url=url,
        from_extension=True,
        html=content if is_page else "",
        text="" if is_page else content,
    )


def _described(body: Mapping[str, object]) -> Submission:
    """What may be said of any source."""
    return Submission(
        title=_line(body, "title", "Title"),
        author=_line(body, "author", "Author"),
        description=_line(body, "description", "Description", most=MAX_DESCRIPTION_LENGTH),
        voice=_voice(body),
        rules=_rules(body.get("rules")),
        show_id=_show_id(body.get("show_id")),
    )


def narration_object(narration: Narration) -> dict[str, object]:
    """The contract's object, in its order; needs `episode` and its `asset` (with_episode)."""
    episode = narration.episode
    is_complete = episode.production_state == ProductionState.COMPLETE
    has_failed = episode.production_state == ProductionState.FAILED
    asset = episode.asset if is_complete else None
    return {
        "id": episode.public_id,
        "title": episode.title,
        "author": episode.author,
        "description": episode.description or "",
        "status": episode.production_state,
        "source_type": narration.source_type,
        "source_url": narration.source_url or None,
        "audio_url": audio_address(storage_key=asset.storage_key, audio_url=None)
        if asset
        else None,
        "duration_seconds": episode.duration_seconds if is_complete else None,
        "error_message": episode.error_message or "Unknown error" if has_failed else None,
        "created_at": iso_seconds(narration.created_at),
    }


def feed_object(show: Show) -> dict[str, object]:
    """A private feed; `id` is what `show_id` names when something is narrated into it."""
    return {
        "id": show.pk,
        "title": show.title,
        "feed_url": feed_url(show),
        "created_at": iso_seconds(show.created_at),
    }


def listener_object(listener: FeedListener) -> dict[str, object]:
    """A listener of a private feed, with the address that is the listener's own."""
    return {
        "id": listener.pk,
        "name": listener.name,
        "feed_url": listener_url(listener),
        "created_at": iso_seconds(listener.created_at),
    }


def voice_object(voice: Voice) -> dict[str, str]:
    """A voice as clients of the contract expect it, all strings."""
    return {"id": voice.id, "name": voice.name, "accent": voice.accent, "gender": voice.gender}


def iso_seconds(moment: datetime) -> str:
    """`2026-04-19T14:22:09Z`: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _url(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SubmissionInvalid("Invalid URL", field="url")
    return value.strip()


def _content(body: Mapping[str, object], name: str, label: str) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise SubmissionInvalid(f"{label} must be a string", field=name)
    text = clean_text(value or "")
    if not text:
        raise SubmissionInvalid(f"{label} cannot be empty", field=name)
    return text


def _line(
    body: Mapping[str, object], name: str, label: str, *, most: int = MAX_TITLE_LENGTH
) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SubmissionInvalid(f"{label} must be a string", field=name)
    line = clean_line(value)
    if len(line) > most:
        raise SubmissionInvalid(f"{label} is too long (maximum is {most} characters)", field=name)
    return line


def _rules(given: object) -> dict[str, str]:
    if isinstance(given, str):
        # A form holds texts only.
        try:
            given = json.loads(given) if given.strip() else None
        except (ValueError, RecursionError):
            raise SubmissionInvalid("Rules must be JSON", field="rules") from None
    return {} if given is None else checked_rules(given)


def _show_id(given: object) -> int | None:
    if given is None or given == "":
        return None
    is_number = isinstance(given, int) and not isinstance(given, bool)
    # A form holds texts only.
    is_digits = isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 20  # noqa: PLR2004
    number = int(str(given)) if is_number or is_digits else -1
    if not 0 <= number <= MAX_ID:
        raise SubmissionInvalid("Show_id must be the id of a show", field="show_id")
    return number


def _voice(body: Mapping[str, object]) -> str:
    value = body.get("voice")
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_VOICE_LENGTH:
        raise SubmissionInvalid("Voice must be the id of a voice", field="voice")
    return clean_line(value)
