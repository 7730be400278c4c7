"""Keeps the bytes of an inbound event as they came: its signature is over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from core.parsers import BodyTooLarge

#: Several times Stripe's largest event.
MAX_EVENT_BYTES = 1_000_000


class SignedBody(BaseParser):
    """The raw body, bounded, whatever it is called."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The bytes; raises `BodyTooLarge` (413)."""
        body = stream.read(MAX_EVENT_BYTES + 1)
        if len(body) > MAX_EVENT_BYTES:
            raise BodyTooLarge(f"The event is too large; the limit is {MAX_EVENT_BYTES:,} bytes.")
        return body
