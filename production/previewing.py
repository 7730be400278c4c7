"""A short piece of speech at once, to hear how something is spoken."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal

from core.errors import QuotaExceeded, Upstream
from production.lexicon import Lexicon
from production.preview_process import REFUSED
from production.speakable import speak
from production.voices.base import SentenceUnspeakable, Voice
from production.voices.registry import voice_catalog

MAX_CHARACTERS = 200
#: A voice takes a second or two to load; a remote one may take longer to answer.
TIMEOUT_SECONDS = 30
#: Each preview loads a voice of its own, a hundred megabytes and more.
_PLACES = threading.BoundedSemaphore(1)
_WAIT_SECONDS = 10


class PreviewBusy(QuotaExceeded):
    """Others are listening to previews at the moment."""

    code = "preview_busy"


class PreviewBroke(Upstream):
    """The voice did not speak."""

    code = "preview_broke"


def preview(
    text: str, *, voice: Voice, lexicon: Lexicon, file_type: Literal["wav", "mp3"] = "wav"
) -> bytes:
    """`text`, at most MAX_CHARACTERS, as a file.

    Raises `SentenceUnspeakable`, `PreviewBusy`, `PreviewBroke`.
    """
    spoken = lexicon.speak(text, lambda words: speak(words, voice.language))
    if not any(character.isalnum() for character in spoken):
        raise SentenceUnspeakable(text, reason="there is no word in it")
    options = dataclasses.asdict(voice_catalog().options)
    job = {
        "engine": voice.engine,
        "spoken": spoken,
        "voice": voice.id,
        "options": {**options, "voices_dir": str(options["voices_dir"])},
        "file_type": file_type,
    }
    if not _PLACES.acquire(timeout=_WAIT_SECONDS):
        raise PreviewBusy(
            "Another preview is being made; try again in a moment.", details={"retry_after": 5}
        )
    try:
        done = subprocess.run(
            [sys.executable, "-m", "production.preview_process"],
            cwd=Path(__file__).resolve().parent.parent,
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PreviewBroke("The voice did not answer in time.") from None
    finally:
        _PLACES.release()
    if done.returncode == REFUSED:
        raise SentenceUnspeakable(text, reason=done.stderr.decode("utf-8", "replace"))
    if done.returncode or not done.stdout:
        raise PreviewBroke("The voice could not be used.")
    return done.stdout
