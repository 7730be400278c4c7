"""A model file on this machine, run by llama.cpp inside the process (an extra: xllamacpp)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from core.chat import (
    CHARACTERS_PER_TOKEN,
    USUAL_CONTEXT,
    Check,
    Completion,
    Message,
    Usage,
    WriterUnavailable,
)

#: Loaded again when it is asked next.
IDLE_SECONDS = 300


class GgufChat:
    """Loads the model when it is first asked; one answer at a time, because it takes all cores."""

    def __init__(self, path: Path) -> None:
        self.model = path.name
        self._path = path
        self._server: Any = None
        self._lock = Lock()

    def context_tokens(self) -> int:
        """A fixed size: more costs memory in proportion."""
        return USUAL_CONTEXT

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        max_tokens: int,
        check: Check,
    ) -> Completion:
        """One answer. Raises WriterUnavailable."""
        request = {
            "messages": [
                {"role": message.role, "content": message.content} for message in messages
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)},
            },
            "max_tokens": max_tokens,
            "temperature": 0.4,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        answer = _Answer(check)
        with self._lock:
            server = self.loaded()
            try:
                server.handle_chat_completions(request, answer.take)
            except Exception as error:
                if answer.stopped_by is None:
                    raise WriterUnavailable("The model on this machine failed.") from error
        if answer.stopped_by is not None:
            raise answer.stopped_by
        if not answer.parts:
            raise WriterUnavailable("The model on this machine gave no answer.")
        return answer.completion(messages)

    def loaded(self) -> Any:
        """The model, loaded when it was not yet. Raises WriterUnavailable."""
        if self._server is None:
            self._server = _server(self._path)
        return self._server


class _Answer:
    """Gathers the pieces of an answer, and stops it when `check` raises."""

    def __init__(self, check: Check) -> None:
        self.parts: list[str] = []
        self.stopped_by: Exception | None = None
        self._check = check
        self._reason: str | None = None
        self._usage: Mapping[str, Any] = {}

    def take(self, chunk: object) -> bool:
        """One piece; True stops the model."""
        try:
            self._check()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not pass through C++
            self.stopped_by = error
            return True
        for piece in chunk if isinstance(chunk, list) else [chunk]:
            if isinstance(piece, dict):
                self._take(piece)
        return False

    def completion(self, messages: Sequence[Message]) -> Completion:
        """All of it; tokens are estimated where the model does not tell them."""
        text = "".join(self.parts)
        asked = sum(len(message.content) for message in messages)
        usage = Usage(
            int(self._usage.get("prompt_tokens") or asked / CHARACTERS_PER_TOKEN),
            int(self._usage.get("completion_tokens") or len(text) / CHARACTERS_PER_TOKEN),
        )
        return Completion(text, is_cut=self._reason == "length", usage=usage)

    def _take(self, piece: Mapping[str, Any]) -> None:
        self._usage = piece.get("usage") or self._usage
        for choice in piece.get("choices") or ():
            self.parts.append((choice.get("delta") or {}).get("content") or "")
            self._reason = choice.get("finish_reason") or self._reason


def _server(path: Path) -> Any:
    if find_spec("xllamacpp") is None:
        raise WriterUnavailable("The gguf writer is not installed: pip install xllamacpp.")
    # A hundred megabytes of code: only processes that write pay for it.
    import xllamacpp

    if not path.is_file():
        raise WriterUnavailable("LLM_MODEL_PATH names no file.")
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = USUAL_CONTEXT
    params.n_parallel = 1
    params.sleep_idle_seconds = IDLE_SECONDS
    # Its threads wait for each other at every step: beside other work, one a core is ten times slower.
    threads = max(1, len(os.sched_getaffinity(0)) // 2)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    # It opens a port whether wanted or not: on loopback, any free one.
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.verbosity = -1
    try:
        return xllamacpp.Server(params)
    except Exception as error:
        raise WriterUnavailable("The model at LLM_MODEL_PATH cannot be loaded.") from error
