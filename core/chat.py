"""What a language model is asked and answers, whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from core.errors import Upstream

#: Where nobody says how much the model can take: what small models have.
USUAL_CONTEXT = 8_192
#: More is slow and not read closely, whatever the model says of itself.
LARGEST_CONTEXT = 65_536
#: On the safe side for European languages.
CHARACTERS_PER_TOKEN = 3.0

#: Called often while work is done; ends it by raising.
Check = Callable[[], None]


class WriterUnavailable(Upstream):
    """The writer cannot work at present (not installed, not reachable, failing); later it may."""

    code = "writer_unavailable"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a model was given and gave."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model answered; `is_cut` when it ran into the cap on tokens."""

    text: str
    is_cut: bool
    usage: Usage


class Chat(Protocol):
    """Asks a model for JSON of a schema."""

    @property
    def model(self) -> str:
        """The model's name."""

    def context_tokens(self) -> int:
        """How many tokens of question and answer together the model can take."""

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        max_tokens: int,
        check: Check,
    ) -> Completion:
        """One answer; `check` is called while it comes. Raises WriterUnavailable."""


def bounded_context(claimed: object) -> int:
    """A context as a server tells it, made sane; USUAL_CONTEXT where it tells none."""
    if isinstance(claimed, bool) or not isinstance(claimed, int) or claimed <= 0:
        return USUAL_CONTEXT
    return min(claimed, LARGEST_CONTEXT)
