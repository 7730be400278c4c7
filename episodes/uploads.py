"""Takes audio that was sent to us into storage: once per account, under an address that stays."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from django.db import IntegrityError, transaction

from accounts.models import Account
from core.errors import Invalid
from core.ids import random_text
from core.storage import delete_stored, store_stream
from core.text import clean_line
from episodes.assets import add_asset
from episodes.models import AudioAsset
from episodes.sound_files import measure_sound

MAX_AUDIO_BYTES = 200 * 1024 * 1024
_MAX_NAME = 255
_MAX_STEM = 60
_ODD = re.compile(r"[^A-Za-z0-9]+")


class AudioEmpty(Invalid):
    """The file that was sent has no bytes."""

    code = "audio_empty"


@dataclass(frozen=True, slots=True)
class SentAudio:
    """A file as it arrived: open, whole, with its client's name and the SHA-256 of its bytes."""

    content: IO[bytes]
    name: str
    bytes: int
    sha256: str


def store_upload(*, account: Account, sent: SentAudio, now: datetime) -> AudioAsset:
    """The asset of these bytes: the one that the account has already, or a new one.

    Raises `AudioEmpty`, `AudioNotAccepted` or `AudioDamaged`; nothing is stored then.
    """
    with (
        staged_upload(account=account, sent=sent, now=now) as asset,
        transaction.atomic(durable=True),
    ):
        return keep_upload(asset)


@contextmanager
def staged_upload(
    *,
    account: Account,
    sent: SentAudio,
    now: datetime,
    origin: AudioAsset.Origin = AudioAsset.Origin.UPLOADED,
) -> Iterator[AudioAsset]:
    """The asset of these bytes, with its file in storage, for a transaction that is yet to come.

    What that transaction did not keep with `keep_upload` is removed again. Raises as `store_upload`.
    """
    if not sent.bytes:
        raise AudioEmpty("audio: the file is empty.", field="audio")
    asset = _uploaded(account=account, sha256=sent.sha256)
    if asset is not None:
        yield asset
        return
    asset = _measured(account=account, sent=sent, origin=origin, now=now)
    try:
        store_stream(asset.storage_key, sent.content, now=now)
        yield asset
    finally:
        if not AudioAsset.objects.filter(storage_key=asset.storage_key).exists():
            delete_stored(asset.storage_key)


def keep_upload(asset: AudioAsset) -> AudioAsset:
    """Write the row of a staged upload, or find the one that came first; demands an open transaction."""
    if asset.pk:
        return asset
    try:
        # A savepoint: that the same bytes came twice at once ends nothing.
        with transaction.atomic():
            add_asset(asset)
    except IntegrityError:
        first = _uploaded(account=asset.account, sha256=asset.sha256)
        if first is None:
            raise
        return first
    return asset


def _measured(
    *, account: Account, sent: SentAudio, origin: AudioAsset.Origin, now: datetime
) -> AudioAsset:
    facts = measure_sound(sent.content)
    return AudioAsset(
        account=account,
        origin=origin,
        # The name is for people who save the file; the random part keeps it from being guessed.
        storage_key=f"audio/{random_text(32)}_{_stem(sent.name)}.{facts.extension}",
        filename=clean_line(sent.name)[:_MAX_NAME],
        bytes=sent.bytes,
        sha256=sent.sha256,
        mime_type=facts.mime_type,
        duration_seconds=facts.duration_seconds,
        header_bytes=facts.header_bytes,
        created_at=now,
    )


def _uploaded(*, account: Account, sha256: str) -> AudioAsset | None:
    return AudioAsset.objects.filter(
        account=account, sha256=sha256, origin=AudioAsset.Origin.UPLOADED
    ).first()


def _stem(name: str) -> str:
    """The name without its extension in the letters that storage and addresses take."""
    plain = unicodedata.normalize("NFKD", name.rpartition(".")[0] or name)
    stem = _ODD.sub("-", plain.encode("ascii", "ignore").decode()).strip("-")
    return stem[:_MAX_STEM].strip("-") or "audio"
