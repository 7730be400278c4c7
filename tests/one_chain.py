"""Middleware that is made once for all clients of a test process, as a server makes it once."""

from __future__ import annotations

from typing import Any

from django.core.signals import setting_changed
from django.test.client import ClientHandler

_made: list[ClientHandler] = []


def share_middleware() -> None:
    """Give every client's handler the chain of the first one, until a setting changes.

    WhiteNoise looks at all static files when it is made, which takes longer than most requests.
    """
    load = ClientHandler.load_middleware

    def load_once(handler: ClientHandler, is_async: bool = False) -> None:
        if not _made:
            load(handler, is_async=is_async)
            _made.append(handler)
        handler._middleware_chain = _made[0]._middleware_chain  # type: ignore[attr-defined]

    ClientHandler.load_middleware = load_once  # type: ignore[method-assign]
    setting_changed.connect(_forget)


def _forget(**_: Any) -> None:
    _made.clear()
