"""A model behind any OpenAI-compatible chat endpoint, asked through the official SDK."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import httpx2

from core.chat import Check, Completion, Message, Usage, WriterUnavailable, bounded_context
from core.polled_transport import PolledTransport, stopped_by

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

#: Between two pieces of an answer, the first included: a small machine thinks long before it speaks.
SILENCE_SECONDS = 120.0
#: For one answer in all.
ANSWER_SECONDS = 600.0
CONNECT_RETRIES = 2
#: One token is a few bytes; what is longer than this many is no answer to anything.
MAX_CHARACTERS = 400_000
#: Where servers tell the size of the context: vLLM, OpenRouter and LM Studio, Groq, llama.cpp.
_CONTEXT_NAMES = ("max_model_len", "context_length", "context_window")


class OpenAIChat:
    """Streams answers, so that a silent server is noticed; a cancel ends one also before it begins."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        model: str,
        silence_seconds: float = SILENCE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
        retries: int = CONNECT_RETRIES,
    ) -> None:
        # Here and below: the SDK takes a second to load, and most installations never ask a model.
        from openai import DefaultHttpxClient, OpenAI

        self.model = model
        self._context: int | None = None
        self._lock = Lock()
        self._client = OpenAI(
            base_url=base_url,
            # Servers on the own machine mostly ask for none, and the SDK wants some.
            api_key=api_key or "none",
            max_retries=retries,
            timeout=silence_seconds,
            # The address is the operator's; neither a redirect nor a proxy of the environment
            # may send the sources elsewhere.
            http_client=DefaultHttpxClient(
                transport=PolledTransport(),
                follow_redirects=False,
                trust_env=False,
                event_hooks={"response": [partial(_end_in_time, answer_seconds)]},
            ),
        )

    def context_tokens(self) -> int:
        """What the server's list of models says of this one, asked once."""
        with self._lock:
            if self._context is None:
                self._context = bounded_context(self._told_context())
            return self._context

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        max_tokens: int,
        check: Check,
    ) -> Completion:
        """One streamed answer. Raises WriterUnavailable."""
        parts: list[str] = []
        length = 0
        reason, usage = None, Usage()
        with stopped_by(check), _as_unavailable():
            stream = self._client.chat.completions.create(
                model=self.model,
                messages=[
                    cast(
                        "ChatCompletionMessageParam",
                        {"role": message.role, "content": message.content},
                    )
                    for message in messages
                ],
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)},
                },
                max_completion_tokens=max_tokens,
                # Servers that know the older name only.
                extra_body={"max_tokens": max_tokens} if self._wants_old_name() else None,
                stream=True,
                stream_options={"include_usage": True},
            )
            with stream:
                for chunk in stream:
                    check()
                    if length > MAX_CHARACTERS:
                        raise WriterUnavailable("The model's answer did not come to an end.")
                    if chunk.usage is not None:
                        usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                    for choice in chunk.choices:
                        piece = choice.delta.content or ""
                        parts.append(piece)
                        length += len(piece)
                        reason = choice.finish_reason or reason
        return Completion("".join(parts), is_cut=reason == "length", usage=usage)

    def _wants_old_name(self) -> bool:
        return "api.openai.com" not in str(self._client.base_url)

    def _told_context(self) -> object:
        import openai

        try:
            models = list(self._client.with_options(timeout=10.0, max_retries=0).models.list())
        except openai.OpenAIError:
            return None
        # A server with one model answers for it by any name.
        of_name = [found for found in models if found.id == self.model or len(models) == 1]
        facts = of_name[0].model_extra or {} if of_name else {}
        told = [facts.get(name) for name in _CONTEXT_NAMES]
        meta = facts.get("meta")
        if isinstance(meta, dict):
            told += [meta.get("n_ctx"), meta.get("n_ctx_train")]
        return next((one for one in told if one), None)


class _Timed(httpx2.SyncByteStream):
    """A body that ends in time, also where the server sends nothing but signs of life."""

    def __init__(self, body: httpx2.SyncByteStream, seconds: float) -> None:
        self._body = body
        self._deadline = time.monotonic() + seconds

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._body:
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("The answer did not come to an end.")
            yield piece

    def close(self) -> None:
        self._body.close()


def _end_in_time(seconds: float, response: httpx2.Response) -> None:
    if isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = _Timed(response.stream, seconds)


@contextmanager
def _as_unavailable() -> Iterator[None]:
    """The SDK's errors as ours; neither the address nor the key is told."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        raise WriterUnavailable(
            f"The model server answered with status {error.status_code}."
        ) from error
    except (openai.APITimeoutError, httpx2.TimeoutException) as error:
        raise WriterUnavailable("The model server did not answer in time.") from error
    except (openai.OpenAIError, httpx2.HTTPError) as error:
        raise WriterUnavailable("The model server cannot be reached.") from error
    except ValueError as error:
        raise WriterUnavailable("The model server's answer is none of its protocol.") from error
