from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile

from production.voices.base import EngineUnavailable, SentenceUnspeakable, VoiceUnknown
from production.voices.openai import ATTEMPTS, LONGEST_WAIT_SECONDS, USUAL_VOICES, OpenAIEngine
from tests.fakes.voice_server import Answer, VoiceServer, run_voice_server

TEXT = "Good evening, and welcome."


@pytest.fixture
def server() -> Iterator[VoiceServer]:
    with run_voice_server() as running:
        yield running


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def engine(server: VoiceServer, slept: list[float]) -> OpenAIEngine:
    return OpenAIEngine(
        base_url=server.address + "/", api_key="sk-1", model="tts-9", sleep=slept.append
    )


def failing(status: int, message: str = "no", **headers: str) -> Answer:
    return status, headers, json.dumps({"error": {"message": message}}).encode()


def file_of(kind: str, content_type: str, **options: str):
    def encode(samples: np.ndarray, rate: int) -> Answer:
        file = io.BytesIO()
        soundfile.write(file, samples, rate, format=kind, **options)
        return 200, {"content-type": content_type}, file.getvalue()

    return encode


def stereo(samples: np.ndarray, rate: int) -> Answer:
    return file_of("WAV", "audio/wav")(np.column_stack([samples, samples]), rate)


def raw(samples: np.ndarray, _rate: int) -> Answer:
    pcm = (samples * 32_767).astype("<i2").tobytes()
    return 200, {"content-type": "audio/pcm; rate=24000"}, pcm + b"\x01"


def streamed(samples: np.ndarray, rate: int) -> Answer:
    """A WAV whose sender did not know the length, as OpenAI's own server sends them."""
    status, headers, body = file_of("WAV", "audio/wav")(samples, rate)
    unknown = b"\xff\xff\xff\xff"
    at = body.index(b"data") + 4
    return status, headers, body[:4] + unknown + body[8:at] + unknown + body[at + 4 :]


class TestOpenAIEngine:
    def test_asks_as_the_protocol_says(self, engine: OpenAIEngine, server: VoiceServer) -> None:
        engine.render(TEXT, voice="nova", speed=1.25)

        assert server.asked == [
            {
                "model": "tts-9",
                "input": TEXT,
                "voice": "nova",
                "speed": 1.25,
                "response_format": "wav",
            }
        ]
        assert server.authorizations == ["Bearer sk-1"]

    @pytest.mark.parametrize(
        "encode",
        [
            file_of("WAV", "audio/wav"),
            file_of("FLAC", "audio/flac"),
            file_of("MP3", "audio/mpeg"),
            file_of("OGG", "application/octet-stream", subtype="VORBIS"),
            stereo,
            raw,
            streamed,
        ],
        ids=["wav", "flac", "mp3", "ogg", "stereo", "pcm", "unknown length"],
    )
    def test_reads_what_servers_send(self, engine, server, encode) -> None:
        expected = engine.render(TEXT, voice="nova")
        server.encode = encode

        speech = engine.render(TEXT, voice="nova")

        assert speech.sample_rate == 24_000
        assert speech.samples.ndim == 1
        assert speech.seconds == pytest.approx(expected.seconds, abs=0.1)
        assert np.abs(speech.samples).max() == pytest.approx(
            np.abs(expected.samples).max(), abs=0.05
        )

    def test_asks_again_while_the_server_is_busy(self, engine, server, slept) -> None:
        server.instead = [failing(429, **{"retry-after": "3"}), failing(503), failing(500)]

        assert engine.render(TEXT, voice="nova").seconds > 1
        assert len(server.asked) == 4
        assert slept[0] == 3.0
        assert slept == sorted(slept)[:1] + slept[1:] or slept[1] < slept[2]

    def test_gives_up_in_the_end(self, engine, server, slept) -> None:
        server.instead = [failing(429, "slow down", **{"retry-after": "9" * 12})] * ATTEMPTS

        with pytest.raises(EngineUnavailable, match="429: slow down"):
            engine.render(TEXT, voice="nova")

        assert slept == [LONGEST_WAIT_SECONDS] * (ATTEMPTS - 1)

    @pytest.mark.parametrize("status", [401, 403, 404, 302])
    def test_does_not_repeat_what_is_refused(self, engine, server, slept, status: int) -> None:
        server.instead = [failing(status, "go\x00 away\n\x1b now")]

        with pytest.raises(EngineUnavailable, match=f"{status}: go away now"):
            engine.render(TEXT, voice="nova")

        assert slept == []

    def test_names_the_sentence_that_the_server_refuses(self, engine, server) -> None:
        server.instead = [failing(400, "input too long")]

        with pytest.raises(SentenceUnspeakable, match=r"input too long.*Good evening"):
            engine.render(TEXT, voice="nova")

    @pytest.mark.parametrize(
        "body", [b"<html>login</html>", b"RIFF\x00\x00\x00\x00WAVE", b"RIFF" + b"\xff" * 60, b"ID3"]
    )
    def test_refuses_what_is_not_audio(self, engine, server, body: bytes) -> None:
        server.instead = [(200, {"content-type": "text/html"}, body)]

        with pytest.raises(EngineUnavailable, match=r"not audio \(text/html\)"):
            engine.render(TEXT, voice="nova")

    def test_refuses_an_empty_answer(self, engine, server) -> None:
        server.instead = [(200, {"content-type": "audio/wav"}, b"")]

        with pytest.raises(SentenceUnspeakable):
            engine.render(TEXT, voice="nova")

    def test_says_when_nobody_answers(self, slept: list[float]) -> None:
        # Bound and not listened on: nobody else is given the port meanwhile.
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"

            with pytest.raises(EngineUnavailable, match="did not answer"):
                OpenAIEngine(base_url=address, sleep=slept.append).render(TEXT, voice="nova")

        assert len(slept) == ATTEMPTS - 1

    def test_needs_an_address(self) -> None:
        with pytest.raises(EngineUnavailable, match="TTS_BASE_URL"):
            OpenAIEngine(base_url="")


class TestListedVoices:
    @pytest.mark.parametrize(
        "answer",
        [
            {"voices": ["af_sky", "am_adam"]},
            {"voices": [{"id": "af_sky"}, {"voice_id": "am_adam"}, {"id": 7}, None, ""]},
            {"data": [{"name": "af_sky"}, {"name": "am_adam"}, {"name": "a\nb"}]},
            ["af_sky", "am_adam", "af_sky", "x" * 500],
        ],
    )
    def test_are_what_the_server_says(self, engine, server, answer: object) -> None:
        server.listed = (200, {}, json.dumps(answer).encode())

        assert [voice.id for voice in engine.voices()] == ["af_sky", "am_adam"]
        assert engine.voices()[0].speaks("fi")
        with pytest.raises(VoiceUnknown):
            engine.render(TEXT, voice="alloy")

    @pytest.mark.parametrize(
        "answer",
        [
            (404, {}, b"{}"),
            (200, {}, b"{"),
            (200, {}, b'{"voices": "a"}'),
            (200, {}, b"null"),
            (200, {}, b"[" * 100_000),
            (200, {}, b'{"voices": []}'),
        ],
    )
    def test_are_the_usual_ones_otherwise(self, engine, server, answer: Answer) -> None:
        server.listed = answer

        assert [voice.id for voice in engine.voices()] == list(USUAL_VOICES)

    def test_are_asked_for_again_after_a_while(self, server: VoiceServer) -> None:
        time = [0.0]
        engine = OpenAIEngine(base_url=server.address, clock=lambda: time[0])
        server.listed = (200, {}, b'["one"]')
        assert [voice.id for voice in engine.voices()] == ["one"]

        server.listed = (200, {}, b'["two"]')
        assert [voice.id for voice in engine.voices()] == ["one"]

        time[0] = 1_000.0
        assert [voice.id for voice in engine.voices()] == ["two"]

        server.listed = (500, {}, b"")
        time[0] = 2_000.0
        assert [voice.id for voice in engine.voices()] == ["two"]
