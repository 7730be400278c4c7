"""Why a hit is not part of a download: the code of the first rule that removed it."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The steps of the funnel that remove hits (contracts/analytics.md section 1)."""

    METHOD = "method"
    STATUS = "status"
    PROBE = "probe"
    UNPUBLISHED = "unpublished"
    INTERNAL = "internal"
    PREFETCH = "prefetch"
    NO_UA = "no_ua"
    BOT_UA = "bot_ua"
    BOT_LIBRARY = "bot_library"
    WATCH = "watch"
    HOSTING = "hosting"
    VPN = "vpn"
    TOR = "tor"
    PRELOAD_PLAYER = "preload_player"
    #: The day of the hit was final when it arrived (R54).
    LATE = "late"


class Step(StrEnum):
    """What is left on the way from eligible hits to downloads."""

    ELIGIBLE = "eligible"
    SESSIONS = "sessions"
    BURST = "burst"
    DOWNLOADS = "downloads"


#: Worked out from the steps: eligible hits beyond the first of their session, and sessions that
#: reached no threshold.
REPEAT, BELOW_THRESHOLD = "repeat", "below_threshold"
#: Beside the funnel: hits of home networks, which would be too many behind a proxy that is not named.
LOCAL = "local"
