"""A server that speaks OpenAI's chat protocol on loopback: streams what a test tells it to answer."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECE = 200
_numbers = itertools.count()


@dataclass
class ModelServer:
    """What was asked; `answer` gives the text for a request, or an HTTP status to refuse with."""

    answer: Callable[[dict[str, Any]], str | int]
    address: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    context: int = 16_384
    finish_reason: str = "stop"
    #: Send signs of life instead of an answer, until the client leaves.
    is_endless: bool = False
    #: Set by a test that wants answers to hang until it says so.
    go_on: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)


def schema_of(request: dict[str, Any]) -> dict[str, Any]:
    return request["response_format"]["json_schema"]["schema"]


def well_behaved(request: dict[str, Any]) -> str:
    """A valid answer to whatever is asked: a plan, or a chapter about as long as it should be."""
    properties = schema_of(request)["properties"]
    if "episodes" in properties:
        count = properties["episodes"]["minItems"]
        episodes = [
            {
                "title": f"Episode number {number}",
                "description": "What it is about.",
                "points": ["the start", "the middle", "the end"],
            }
            for number in range(1, count + 1)
        ]
        return json.dumps({"title": "A series", "description": "All of it.", "episodes": episodes})
    asked = next(m["content"] for m in request["messages"] if "Say about" in m["content"])
    wanted = int(asked.partition("Say about ")[2].partition(" ")[0])
    hosts = properties["turns"]["items"]["properties"]["host"]["enum"]
    turns, filled = [], 0
    while filled < wanted:
        text = f"This is what the {_word()} listeners are told about it, in plain words, without haste."
        turns.append({"host": hosts[len(turns) % len(hosts)], "text": text, "passages": []})
        filled += len(text)
    return json.dumps({"title": "A chapter", "turns": turns})


def _word() -> str:
    """Another one each time: what was said is not said again."""
    number = next(_numbers)
    return "".join(chr(ord("a") + number // 26**place % 26) for place in range(4))


class _Handler(BaseHTTPRequestHandler):
    state: ModelServer

    def do_GET(self) -> None:
        self._json(
            200, {"object": "list", "data": [{"id": "m", "max_model_len": self.state.context}]}
        )

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.state.authorizations.append(self.headers.get("authorization"))
        self.state.asked.append(request)
        self.state.arrived.set()
        self.state.go_on.wait(200)
        found = self.state.answer(request)
        if isinstance(found, int):
            self._json(found, {"error": {"message": "no"}})
        else:
            self._stream(found)

    def _stream(self, text: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        while self.state.is_endless:
            self.wfile.write(b": still thinking\n\n")
            time.sleep(0.02)
        pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        for piece in pieces:
            self._event({"choices": [{"index": 0, "delta": {"content": piece}}]})
        end = {"index": 0, "delta": {}, "finish_reason": self.state.finish_reason}
        self._event({"choices": [end]})
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        self._event({"choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, content: dict[str, Any]) -> None:
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        self.wfile.write(f"data: {json.dumps(chunk | content)}\n\n".encode())

    def _json(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            return  # a client that cancelled

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        pass


@contextmanager
def run_model_server(
    answer: Callable[[dict[str, Any]], str | int] = well_behaved,
) -> Iterator[ModelServer]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    state = ModelServer(answer)
    state.go_on.set()

    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        state.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
