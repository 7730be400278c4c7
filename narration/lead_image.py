"""Makes an episode's cover of the picture that a page names as its own."""

from __future__ import annotations

import io
from datetime import datetime

import structlog

from core.errors import PodwrightError
from core.http import fetch
from episodes.covers import store_framed_cover
from episodes.services import StoredCover

log = structlog.get_logger(__name__)

MAX_BYTES = 10_000_000
TIMEOUT_SECONDS = 10.0
_ACCEPT = "image/jpeg, image/png, image/webp"


def lead_image_cover(url: str, *, now: datetime) -> StoredCover | None:
    """The picture at `url` as a stored cover; None where it is not to be had, or makes none.

    Never raises: a text is worth reading without its picture. What nobody comes to own is swept.
    """
    try:
        picture = fetch(url, max_bytes=MAX_BYTES, timeout=TIMEOUT_SECONDS, accept=_ACCEPT)
        return store_framed_cover(io.BytesIO(picture.body), now=now)
    except PodwrightError as error:
        log.info("narration_image_left_out", code=error.code)
    except Exception:
        log.exception("narration_image_broke")
    return None
