"""Fixtures of the door's tests: an own folder, the hits, and doors as of several processes."""

from __future__ import annotations

import pytest

from edge.door import Door
from tests.analytics.conftest import data_dir, hits
from tests.client_addresses import CLIENT

__all__ = ["data_dir", "hits"]


class Listener:
    """Asks one door, as a web process has it, and remembers nothing."""

    def __init__(self, door):
        self.door = door

    def ask(self, path, method="GET", query="", **headers):
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": CLIENT,
        } | {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        answer = self.door.answer(environ)
        if answer is None:
            return None, {}, b""
        return int(answer.status[:3]), dict(answer.headers), b"".join(answer.body)


@pytest.fixture
def listener(data_dir):
    return Listener(Door(data_dir))


@pytest.fixture
def listeners(data_dir):
    """Three processes of one machine: they share the folder and nothing in memory."""
    return [Listener(Door(data_dir)) for _ in range(3)]
