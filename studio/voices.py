"""The voices of this installation, by the numbers that the contract knows them by."""

from __future__ import annotations

import hashlib

from core.errors import Invalid, NotFound
from production.voices.base import Voice
from production.voices.registry import voice_catalog


class VoiceNotFound(NotFound):
    """No voice has the number."""

    code = "voice_not_found"


class VoiceNumberUnknown(Invalid):
    """A request names a voice that is not there; `field` says where."""

    code = "voice_unknown"


def voice_number(voice_id: str) -> int:
    """The contract's integer for a voice: 31 bits of a digest of its id, so that it never changes."""
    return int.from_bytes(hashlib.sha256(voice_id.encode()).digest()[:4], "big") >> 1


def find_voice(number: int) -> Voice:
    """The voice with the number. Raises `VoiceNotFound`."""
    for voice in voice_catalog().voices():
        if voice_number(voice.id) == number:
            return voice
    raise VoiceNotFound("Voice not found")


def named_voice(number: int) -> Voice:
    """The voice that a body's `voice_id` means. Raises `VoiceNumberUnknown`."""
    try:
        return find_voice(number)
    except VoiceNotFound:
        raise VoiceNumberUnknown(
            "There is no voice with this id; GET /v1/voices lists them.", field="voice_id"
        ) from None


def voice_by_id(voice_id: str) -> Voice | None:
    """The voice of an engine's id, None when it is not there any more."""
    found = (voice for voice in voice_catalog().voices() if voice.id == voice_id)
    return next(found, None)
