"""Takes a show's cover into storage, under a new address each time, and off again."""

from __future__ import annotations

from datetime import datetime
from typing import IO

from django.conf import settings

from accounts.models import Account
from core.ids import random_text
from core.pictures import make_cover
from core.storage import delete_stored, store_bytes
from shows.models import Show
from shows.services import ShowNotFound, get_show, update_show, use_cover

MAX_PICTURE_BYTES = 20 * 1024 * 1024


def set_cover(
    *, account: Account, show_id: int, picture: IO[bytes], crop: bool, now: datetime
) -> Show:
    """Make the show's cover of a JPEG, PNG or WebP; the one before is swept.

    Apple wants a new address for a new picture, so a file is never replaced in place. Raises
    `ShowNotFound` and what `core.pictures.make_cover` raises; nothing is stored then.
    """
    get_show(account=account, show_id=show_id)
    cover = make_cover(picture, max_bytes=settings.COVER_MAX_BYTES, crop=crop)
    key = store_bytes(f"covers/{random_text(32)}/cover.jpg", cover.content, now=now)
    try:
        return use_cover(
            account=account, show_id=show_id, storage_key=key, size=len(cover.content), now=now
        )
    except ShowNotFound:
        # Deleted since the first look.
        delete_stored(key)
        raise


def remove_cover(*, account: Account, show_id: int, now: datetime) -> None:
    """Take the cover off, whether it is stored here or at an address. Raises `ShowNotFound`."""
    if get_show(account=account, show_id=show_id).cover_url:
        update_show(account=account, show_id=show_id, changes={"image_url": None}, now=now)
