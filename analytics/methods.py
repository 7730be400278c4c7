"""The method in force: every freedom that the guidelines leave, decided, named and versioned."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage

#: Raised with every change of the rules that can change a number.
RULES_VERSION = 1
DAY_MS = 86_400_000
#: A hit that arrives so late still gives what it would have given in time (R66).
GRACE_MS = 3_600_000


class WindowKind(StrEnum):
    """How long a session lasts (contracts/analytics.md R28)."""

    FIRST_TOUCH = "first_touch"
    CALENDAR = "calendar"
    LAST_TOUCH = "last_touch"


class MediaPath(StrEnum):
    """Who sends the bytes of our own audio, and so what we can see of them."""

    OWN = "own"
    STORE = "store"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Method:
    """All that decides what a download is; the same for all shows of an instance."""

    window: WindowKind = WindowKind.FIRST_TOUCH
    media: MediaPath = MediaPath.OWN
    #: A proxy's log is read, so its bytes are the evidence and not those of our own answers (R19).
    byte_log: bool = False
    #: Distinct episodes of one listener within 24 hours: flagged above, excluded above (R41); 0 = off.
    burst_flag: int = 50
    burst_limit: int = 200
    relays_count: bool = True
    probes_count: bool = False
    join_playback_sessions: bool = False
    rules_version: int = RULES_VERSION


def method_in_force() -> Method:
    """The method that the settings choose."""
    if settings.PUBLIC_MEDIA_URL:
        media = MediaPath.ELSEWHERE
    elif isinstance(default_storage, FileSystemStorage):
        media = MediaPath.OWN
    else:
        media = MediaPath.STORE
    return Method(
        window=WindowKind(settings.DOWNLOAD_WINDOW),
        media=media,
        byte_log=bool(settings.ACCESS_LOG),
        burst_flag=settings.BURST_FLAG,
        burst_limit=settings.BURST_LIMIT,
        relays_count=settings.COUNT_RELAYS,
        probes_count=settings.COUNT_PROBES,
        join_playback_sessions=settings.JOIN_PLAYBACK_SESSIONS,
    )
