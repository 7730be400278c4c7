"""A server that speaks OpenAI's /audio/speech protocol on loopback, with real sound in its answers."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import soundfile

from production.voices.base import SentenceUnspeakable
from production.voices.fake import FakeEngine

#: (status, headers, body) for one request; None lets the server answer as it should.
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class VoiceServer:
    """What was asked, and what shall be answered instead of speech for the next requests."""

    address: str = ""
    asked: list[dict[str, object]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    instead: list[Answer] = field(default_factory=list)
    listed: Answer | None = None
    encode: Callable[[object, int], Answer] | None = None


@contextmanager
def run_voice_server() -> Iterator[VoiceServer]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    state = VoiceServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(state.listed or (404, {}, b"{}"))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.authorizations.append(self.headers.get("authorization"))
            if self.path != "/v1/audio/speech":
                self._answer((404, {}, b'{"error": {"message": "no such path"}}'))
                return
            request = json.loads(body)
            state.asked.append(request)
            self._answer(state.instead.pop(0) if state.instead else _speech(request, state))

        def _answer(self, answer: Answer) -> None:
            status, headers, content = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        state.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def _speech(request: dict[str, object], state: VoiceServer) -> Answer:
    try:
        speech = FakeEngine().render(
            str(request["input"]), voice="high", speed=float(str(request["speed"]))
        )
    except SentenceUnspeakable:
        return 400, {"content-type": "application/json"}, b'{"error": {"message": "nothing"}}'
    if state.encode is not None:
        return state.encode(speech.samples, speech.sample_rate)
    file = io.BytesIO()
    soundfile.write(file, speech.samples, speech.sample_rate, format="WAV")
    return 200, {"content-type": "audio/wav"}, file.getvalue()
