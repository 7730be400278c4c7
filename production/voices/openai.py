"""A voice engine over HTTP: any server with OpenAI's POST /audio/speech, near or far."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_network
from threading import Lock
from typing import Protocol

import numpy as np
import soundfile

from core.errors import PodwrightError
from core.http import fetch
from production.voices.base import (
    EngineUnavailable,
    Samples,
    SentenceUnspeakable,
    Speech,
    Voice,
    VoiceUnknown,
    require_words,
    without_phonemes,
)

#: Offered when the server does not list its voices (OpenAI's own has no such list).
USUAL_VOICES = (
    *("alloy", "ash", "ballad", "coral", "echo", "fable"),
    *("nova", "onyx", "sage", "shimmer", "verse"),
)
SPEECH_SECONDS = 60.0
LIST_SECONDS = 5.0
LIST_LASTS_SECONDS = 300.0
#: Ten minutes of 48 kHz stereo WAV: no honest answer to one sentence is larger.
SPEECH_MAX_BYTES = 120_000_000
LIST_MAX_BYTES = 1_000_000
ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 20.0
BUSY = frozenset({408, 409, 425, 429})
REFUSED_INPUT = frozenset({400, 413, 422})
SERVER_ERROR = 500
LONGEST_VOICE_ID = 100
EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, read to its end; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends one request and reads the answer; raises EngineUnavailable when there is none."""

    def __call__(  # noqa: D102 - the class says it
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
        timeout: float,
        max_bytes: int,
    ) -> Reply: ...


def send_guarded(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes,
    timeout: float,
    max_bytes: int,
) -> Reply:
    """Send through the one outbound client; the operator's own server may be on any network."""
    try:
        answer = fetch(
            url,
            method=method,
            headers=headers,
            content=content or None,
            timeout=timeout,
            max_bytes=max_bytes,
            follow_redirects=False,
            expect_success=False,
            allow=EVERYWHERE,
        )
    except PodwrightError as error:
        raise EngineUnavailable(f"The voice server did not answer: {error.message}") from error
    return Reply(answer.status, answer.headers, answer.body)


class OpenAIEngine:
    """Asks a server for each sentence; what is busy is asked again, a bounded number of times."""

    name = "openai"
    version = "1"
    remote = True

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str = "",
        model: str = "tts-1",
        send: Transport = send_guarded,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not base_url:
            raise EngineUnavailable("TTS_BASE_URL is not set: the openai voice engine needs it.")
        self._base_url = base_url.rstrip("/")
        self._model = model
        self._headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._send = send
        self._sleep = sleep
        self._clock = clock
        self._lock = Lock()
        self._listed: tuple[str, ...] = ()
        self._listed_until = 0.0

    def voices(self) -> tuple[Voice, ...]:
        """List what the server lists at /audio/voices, else OpenAI's names; asked again after 5 min."""
        return tuple(
            Voice(
                id=voice_id,
                name=voice_id.replace("_", " ").title(),
                language="en-US",
                accent="",
                gender="",
                engine=self.name,
                multilingual=True,
            )
            for voice_id in self._voice_ids()
        )

    def fingerprint(self, voice: str) -> str:
        """Name the server and its model; what they change behind that name cannot be known."""
        self._require(voice)
        return f"openai {self.version} {self._base_url} {self._model}"

    def render(self, spoken: str, *, voice: str, speed: float = 1.0, seed: int = 0) -> Speech:
        """Ask for WAV and decode whatever comes; there are no word times."""
        self._require(voice)
        require_words(spoken)
        reply = self._ask(without_phonemes(spoken), voice=voice, speed=speed)
        samples, sample_rate = _decode(reply)
        if not len(samples):
            raise SentenceUnspeakable(spoken, reason="the voice server sent no sound")
        return Speech(samples=samples, sample_rate=sample_rate)

    def _ask(self, spoken: str, *, voice: str, speed: float) -> Reply:
        content = json.dumps(
            {
                "model": self._model,
                "input": spoken,
                "voice": voice,
                "speed": speed,
                "response_format": "wav",
            }
        ).encode()
        headers = {**self._headers, "content-type": "application/json"}
        failure = EngineUnavailable("The voice server did not answer.")
        for attempt in range(ATTEMPTS):
            wait = 0.5 * 4**attempt
            try:
                reply = self._send(
                    "POST",
                    f"{self._base_url}/audio/speech",
                    headers=headers,
                    content=content,
                    timeout=SPEECH_SECONDS,
                    max_bytes=SPEECH_MAX_BYTES,
                )
            except EngineUnavailable as error:
                failure = error
            else:
                if _is_success(reply.status):
                    return reply
                if reply.status in REFUSED_INPUT:
                    raise SentenceUnspeakable(spoken, reason=_complaint(reply))
                failure = EngineUnavailable(_complaint(reply))
                if reply.status not in BUSY and reply.status < SERVER_ERROR:
                    raise failure
                wait = _asked_wait(reply, wait)
            if attempt < ATTEMPTS - 1:
                self._sleep(min(wait, LONGEST_WAIT_SECONDS))
        raise failure

    def _require(self, voice: str) -> None:
        offered = self._voice_ids()
        if voice not in offered:
            raise VoiceUnknown(voice, offered)

    def _voice_ids(self) -> tuple[str, ...]:
        with self._lock:
            if self._clock() >= self._listed_until or not self._listed:
                self._listed = self._ask_for_voices() or self._listed or USUAL_VOICES
                self._listed_until = self._clock() + LIST_LASTS_SECONDS
            return self._listed

    def _ask_for_voices(self) -> tuple[str, ...]:
        try:
            reply = self._send(
                "GET",
                f"{self._base_url}/audio/voices",
                headers=self._headers,
                content=b"",
                timeout=LIST_SECONDS,
                max_bytes=LIST_MAX_BYTES,
            )
            return _listed_voices(json.loads(reply.body)) if _is_success(reply.status) else ()
        except (EngineUnavailable, ValueError, RecursionError):
            return ()


def _listed_voices(answer: object) -> tuple[str, ...]:
    """Read the shapes in use: {"voices": ["a"]}, {"voices": [{"id": "a"}]}, {"data": [...]}, [...]."""
    entries = answer
    if isinstance(answer, dict):
        entries = answer.get("voices", answer.get("data"))
    if not isinstance(entries, list):
        return ()
    names = []
    for entry in entries:
        name = entry
        if isinstance(entry, dict):
            name = entry.get("id") or entry.get("voice_id") or entry.get("name")
        if isinstance(name, str) and 0 < len(name) <= LONGEST_VOICE_ID and name.isprintable():
            names.append(name)
    return tuple(dict.fromkeys(names))


def _decode(reply: Reply) -> tuple[Samples, int]:
    """Decode WAV, MP3, FLAC, Ogg, or headerless 16-bit 24 kHz PCM when the type says so."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not reply.body:
        return np.zeros(0, np.float32), 24_000
    if kind in {"audio/pcm", "audio/l16"}:
        whole = reply.body[: len(reply.body) // 2 * 2]
        return np.frombuffer(whole, "<i2").astype(np.float32) / np.float32(32_768), 24_000
    try:
        samples, sample_rate = soundfile.read(
            io.BytesIO(_with_true_lengths(reply.body)), dtype="float32", always_2d=True
        )
    except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
        raise EngineUnavailable(
            f"The voice server's answer is not audio ({kind or 'no content type'})."
        ) from error
    return samples.mean(axis=1).astype(np.float32), int(sample_rate)


def _with_true_lengths(body: bytes) -> bytes:
    """Mend the RIFF lengths that a server which streams could not know when it sent them."""
    if body[:4] != b"RIFF" or body[8:12] != b"WAVE":
        return body
    mended = bytearray(body)
    mended[4:8] = min(len(body) - 8, 0xFFFFFFFF).to_bytes(4, "little")
    position = 12
    while position + 8 <= len(mended):
        length = int.from_bytes(mended[position + 4 : position + 8], "little")
        rest = len(mended) - position - 8
        if mended[position : position + 4] == b"data" or length > rest:
            mended[position + 4 : position + 8] = min(length, rest).to_bytes(4, "little")
            break
        position += 8 + length + length % 2
    return bytes(mended)


def _complaint(reply: Reply) -> str:
    """Say what the server said, briefly and on one line."""
    text = reply.body[:2_000].decode(errors="replace")
    try:
        answer = json.loads(reply.body[:100_000])
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        said = answer.get("error", answer.get("detail", answer.get("message", text)))
        text = str(said.get("message", said)) if isinstance(said, dict) else str(said)
    printable = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"the voice server answered {reply.status}: {printable[:300]}"


def _asked_wait(reply: Reply, otherwise: float) -> float:
    text = reply.headers.get("retry-after", "")
    asked = text.isascii() and text.isdigit()
    return float(text[:9]) if asked else otherwise


def _is_success(status: int) -> bool:
    return status // 100 == HTTPStatus.OK // 100
