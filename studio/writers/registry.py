"""Which writer this installation has, by settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from django.conf import settings

from core.openai_chat import OpenAIChat
from studio.writers.base import Writer
from studio.writers.extractive import ExtractiveWriter
from studio.writers.fake import FakeWriter
from studio.writers.gguf_chat import GgufChat
from studio.writers.modelled import ModelWriter


@dataclass(frozen=True, slots=True)
class WriterOptions:
    """All that the writers need to know."""

    chosen: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    model: str = ""
    model_path: str = ""


_MAKERS: dict[str, Callable[[WriterOptions], Writer]] = {
    "extractive": lambda _options: ExtractiveWriter(),
    "openai": lambda options: ModelWriter(
        "openai",
        OpenAIChat(base_url=options.base_url, api_key=options.api_key, model=options.model),
    ),
    "gguf": lambda options: ModelWriter("gguf", GgufChat(Path(options.model_path))),
    "fake": lambda _options: FakeWriter(),
}


def configured_writer() -> Writer:
    """This process's writer for the settings as they are."""
    return _writer_for(
        WriterOptions(
            chosen=settings.WRITER,
            base_url=settings.LLM_BASE_URL,
            api_key=settings.LLM_API_KEY,
            model=settings.LLM_MODEL,
            model_path=settings.LLM_MODEL_PATH,
        )
    )


@cache
def _writer_for(options: WriterOptions) -> Writer:
    return _MAKERS[options.chosen](options)
