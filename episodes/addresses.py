"""Public addresses of an episode: where its audio is, and the counted address that feeds name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from core.storage import media_url
from episodes.models import Episode
from shows.models import Show

#: Extension by MIME type, for addresses that must end in the real one (Apple refuses others).
EXTENSION_OF_TYPE = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aac": "aac",
    "audio/aacp": "aac",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/webm": "webm",
    "video/mp4": "mp4",
    "video/x-m4v": "m4v",
    "video/quicktime": "mov",
    "video/webm": "webm",
}
_KNOWN_EXTENSIONS = frozenset(EXTENSION_OF_TYPE.values())
#: Feeds ask it for each of their items: a tenth of the time of `urlsplit` and `PurePosixPath`.
_PATH_EXTENSION = re.compile(
    r"https?://[^/?#]*/[^?#]*[^/?#]\.([a-z0-9]+)/*(?:[?#]|$)", re.IGNORECASE
)
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PublishedAudio:
    """Where a published episode's audio is; `asset_id` is None when it lies outside."""

    episode_id: int
    show_id: int
    asset_id: int | None
    address: str


def find_published_audio(reference: str) -> PublishedAudio | None:
    """The audio of a published episode by its public id (`ep_...`) or its integer id; one query.

    Integer ids can be counted through, so they lead nowhere in a private show. `reference` is one
    of these two forms.
    """
    if reference.startswith("ep_"):
        found = Episode.objects.filter(public_id=reference)
    elif int(reference) <= _LARGEST_ID:
        found = Episode.objects.filter(pk=int(reference), show__visibility=Show.Visibility.PUBLIC)
    else:
        return None
    row = (
        found.published()
        .values("pk", "show_id", "asset_id", "asset__storage_key", "audio_url")
        .first()
    )
    if row is None:
        return None
    address = audio_address(storage_key=row["asset__storage_key"], audio_url=row["audio_url"])
    if not address:
        return None
    return PublishedAudio(row["pk"], row["show_id"], row["asset_id"], address)


def audio_address(*, storage_key: str | None, audio_url: str | None) -> str | None:
    """Where the sound itself is: our stored file, else the address outside; None without audio."""
    return media_url(storage_key) if storage_key else audio_url


def audio_extension(*, address: str, mime_type: str) -> str:
    """The extension, without dot, that says what the audio is; the address knows better than the type.

    The type of audio outside is `audio/mpeg` unless the client says otherwise, and many do not.
    """
    found = _PATH_EXTENSION.match(address)
    suffix = found[1].lower() if found else ""
    if suffix in _KNOWN_EXTENSIONS:
        return suffix
    return EXTENSION_OF_TYPE.get(mime_type.partition(";")[0].strip().lower(), "mp3")


def leads_back_here(address: str) -> bool:
    """Whether audio at `address` would be a redirect of ours, and so redirect for ever.

    A prefix such as OP3's may stand before ours.
    """
    own = urlsplit(settings.PUBLIC_URL).netloc.lower()
    return re.search(rf"(?:^|/){re.escape(own)}\.?(?::[0-9]+)?/+api/", address.lower()) is not None


def track_url(*, reference: str, extension: str) -> str:
    """The counted address of an episode; `reference` is its id, or its public id in a private show."""
    return f"{settings.PUBLIC_URL}/api/track/{reference}.{extension}"
