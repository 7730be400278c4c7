"""A sentence or two by each voice, to choose one by ear: spoken when first asked for, then kept here."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from core.durable_files import write_durably
from core.errors import PodwrightError
from production.lexicon import EMPTY_LEXICON
from production.previewing import PreviewBroke, PreviewBusy, preview
from production.voices.base import Voice, primary_language
from production.voices.registry import voice_catalog

CONTENT_TYPE = "audio/mpeg"
#: By language; a voice of another one says its name.
_WORDS = {
    "de": "Guten Tag, ich bin {name}. Gern lese ich Ihre Artikel vor und führe durch Ihre Sendung.",
    "en": "Hello, I am {name}. I would be glad to read your articles and to host your show.",
    "es": "Hola, soy {name}. Con gusto leo sus artículos y presento su programa.",
    "fr": "Bonjour, je suis {name}. Je lis volontiers vos articles et présente votre émission.",
    "it": "Buongiorno, sono {name}. Leggo volentieri i vostri articoli e presento il vostro programma.",
    "nl": "Hallo, ik ben {name}. Ik lees graag uw artikelen voor en presenteer uw programma.",
    "pl": "Dzień dobry, jestem {name}. Chętnie przeczytam artykuły i poprowadzę audycję.",
    "pt": "Olá, sou {name}. Com prazer leio os seus artigos e apresento o seu programa.",
}
#: A voice that failed is left alone for this long: anybody may ask.
_REST_SECONDS = 60.0
#: For the voices that others have asked for before.
_WAIT_SECONDS = 10.0
#: Callers that may wait for a voice at the same time; each holds a thread of the web process.
_WAITING = threading.BoundedSemaphore(4)
_speaking = threading.Lock()
_rests_until: dict[str, float] = {}


def voice_sample(voice: Voice) -> Path:
    """The MP3 file of a voice in DATA_DIR; another model of the voice gets another file, by its name.

    Raises `PreviewBusy`, `PreviewBroke`, `SentenceUnspeakable`.
    """
    words = _WORDS.get(primary_language(voice.language), "{name}.").format(name=voice.name)
    path = _path(voice, words)
    if path.exists():
        return path
    with _one_at_a_time():
        if path.exists():
            return path
        if _rests_until.get(path.name, 0.0) > time.monotonic():
            raise PreviewBroke("The voice did not speak a moment ago; try again in a minute.")
        try:
            _write(path, preview(words, voice=voice, lexicon=EMPTY_LEXICON, file_type="mp3"))
        except PodwrightError:
            _rests_until[path.name] = time.monotonic() + _REST_SECONDS
            raise
    return path


def _path(voice: Voice, words: str) -> Path:
    fingerprint = voice_catalog().engine_of(voice.id).fingerprint(voice.id)
    digest = hashlib.sha256(f"{fingerprint}\n{voice.id}\n{words}".encode()).hexdigest()
    return Path(settings.DATA_DIR) / "cache" / "voices" / f"{digest}.mp3"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _WAITING.acquire(blocking=False):
        raise _busy()
    try:
        if not _speaking.acquire(timeout=_WAIT_SECONDS):
            raise _busy()
        try:
            yield
        finally:
            _speaking.release()
    finally:
        _WAITING.release()


def _busy() -> PreviewBusy:
    return PreviewBusy(
        "Other voices are being tried at the moment; try again soon.", details={"retry_after": 5}
    )


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, content)
    except OSError as error:
        raise PreviewBroke("The sample cannot be written; the disk may be full.") from error
