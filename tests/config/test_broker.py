"""Messages as files: whole or not at all, and nothing in the folder ends a worker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue
from kombu.transport import filesystem

from config.broker import forget_messages
from config.celery import broker_settings

Opened = Callable[[], SimpleQueue]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "broker"


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Opened]:
    """Opens the queue on a connection of its own, as each process has one."""
    connections: list[Connection] = []

    def open_queue() -> SimpleQueue:
        settings = broker_settings(tmp_path, "")
        connection = Connection(
            settings["broker_url"], transport_options=settings["broker_transport_options"]
        )
        connections.append(connection)
        return connection.SimpleQueue("podwright", no_ack=True)

    yield open_queue
    for connection in connections:
        connection.release()


def received(queue: SimpleQueue) -> list[object]:
    messages = []
    while True:
        try:
            messages.append(queue.get_nowait().payload)
        except Empty:
            return messages


class TestMessages:
    def test_arrive_once_each_at_whoever_asks_first(self, queue: Opened) -> None:
        sender, one, other = queue(), queue(), queue()
        for number in range(10):
            sender.put({"id": number})

        first = one.get_nowait().payload
        rest = received(other)

        assert sorted([first["id"], *(message["id"] for message in rest)]) == list(range(10))
        assert received(one) == []

    def test_leave_no_file_behind(self, queue: Opened, folder: Path) -> None:
        sender = queue()
        sender.put({"id": 1})

        assert received(queue()) == [{"id": 1}]
        assert list(folder.iterdir()) == []

    def test_that_are_still_being_written_are_not_read(self, queue: Opened, folder: Path) -> None:
        sender = queue()
        sender.put({"id": 1})
        whole = next(folder.iterdir())
        half = whole.with_name(f"{whole.name}.partial")
        half.write_bytes(whole.read_bytes()[:10])

        assert received(queue()) == [{"id": 1}]

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"\xff\xfe\x00", b"[]", b"null", b"{}", b'{"properties": 1, "body": 2}'],
    )
    def test_that_are_spoilt_are_dropped_and_the_next_one_comes(
        self, queue: Opened, folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        sender = queue()
        sender.put({"id": 1})
        (folder / "0.podwright.msg").write_bytes(content)

        with caplog.at_level(logging.WARNING):
            messages = received(queue())

        assert messages == [{"id": 1}]
        assert "message_spoilt" in caplog.text
        assert list(folder.iterdir()) == []

    def test_survive_strange_neighbours(self, queue: Opened, folder: Path) -> None:
        sender = queue()
        sender.put({"id": 1})
        (folder / "0.podwright.msg").mkdir()
        (folder / "notes.txt").touch()
        (folder / "1.another.msg").touch()

        assert received(queue()) == [{"id": 1}]

    def test_by_the_thousand_are_listed_once(
        self, queue: Opened, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sender, receiver = queue(), queue()
        for number in range(2000):
            sender.put({"id": number})
        listings = []
        list_folder = Path.iterdir
        monkeypatch.setattr(
            Path, "iterdir", lambda self: (listings.append(self), list_folder(self))[1]
        )

        assert len(received(receiver)) == 2000
        assert len(listings) == 2

    def test_are_waited_for_no_longer_than_a_moment(
        self, queue: Opened, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits: list[float | None] = []
        monkeypatch.setattr(
            filesystem.Transport, "drain_events", lambda *_, timeout: waits.append(timeout)
        )
        connection = queue().channel.connection.client

        for timeout in (2.0, 0.1, None):
            connection.drain_events(timeout=timeout)

        assert waits == [0.2, 0.1, None]

    def test_can_be_forgotten(self, queue: Opened, folder: Path) -> None:
        sender = queue()
        sender.put({"id": 1})

        forget_messages(folder)

        assert received(queue()) == []
