"""Celery's filesystem transport, hardened: whole messages or none, and a spoilt file stops nobody."""

from __future__ import annotations

import os
import shutil
import uuid
from collections import deque
from pathlib import Path
from queue import Empty
from typing import Any

import structlog
from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem, virtual
from kombu.utils.json import dumps, loads

log = structlog.get_logger(__name__)

#: The name under which Celery finds this transport, as `podwright-files://`.
SCHEME = "podwright-files"
#: Celery's worker would wait for two seconds.
LONGEST_WAIT_SECONDS = 0.2


class Channel(filesystem.Channel):
    """Files as messages. Differs from its parent where that one can lose a worker.

    The parent writes a message in place, so that a reader may see half of it; it lets a spoilt
    message or table end the worker; and it lists the folder anew for every message.
    """

    supports_fanout = False

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self._listed: deque[str] = deque()
        Path(self.data_folder_in).mkdir(parents=True, exist_ok=True)

    def get_table(self, exchange: str) -> list[filesystem.exchange_queue_t]:  # type: ignore[override]  # as its parent, at run time
        """Each exchange leads to the queue of its own name, so no table on disk can spoil."""
        return [filesystem.exchange_queue_t(exchange, "", exchange)]

    def _queue_bind(self, *arguments: object, **options: object) -> None:
        pass

    def _delete(self, queue: str, *arguments: object, **options: object) -> None:
        self._purge(queue)

    def _put(self, queue: str, payload: object, **options: object) -> None:  # type: ignore[override]  # as its parent
        folder = Path(self.data_folder_out)
        name = f"{uuid.uuid4()}.{queue}.msg"
        partial = folder / f"{name}.partial"
        try:
            partial.write_text(dumps(payload), encoding="utf-8")
            partial.rename(folder / name)
        except OSError as error:
            raise ChannelError(f"Cannot write a message to {folder} ({error.strerror}).") from error

    def _get(self, queue: str) -> dict[str, Any]:  # type: ignore[override]  # as its parent
        folder, ending = Path(self.data_folder_in), f".{queue}.msg"
        if not self._listed:
            self._listed.extend(_names(folder, ending))
        while self._listed:
            name = self._listed.popleft()
            if name.endswith(ending):
                payload = self._take(folder / name)
                if payload is not None:
                    return payload
        raise Empty

    def _take(self, path: Path) -> dict[str, Any] | None:
        """The message, its file removed; None if another worker was faster or it is spoilt."""
        claimed = path.with_suffix(f".{os.getpid()}-{id(self)}.taken")
        try:
            path.rename(claimed)
            content = claimed.read_bytes()
            claimed.unlink()
        except OSError:
            return None
        try:
            payload: dict[str, Any] = loads(content.decode("utf-8"))
            virtual.Message(payload, channel=self)
        except Exception as error:  # noqa: BLE001 - whatever is in there, the next one matters
            log.warning("message_spoilt", error=type(error).__name__)
            return None
        return payload


class Transport(filesystem.Transport):
    """The filesystem transport with the channel above."""

    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:  # type: ignore[override]  # as its parent, at run time
        """Wait for a message, no longer than a moment: a worker that is to end sees it in between.

        Raises TimeoutError when none came. Who names no time waits until one comes.
        """
        moment = None if timeout is None else min(timeout, LONGEST_WAIT_SECONDS)
        super().drain_events(connection, timeout=moment)


def _names(folder: Path, ending: str) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(ending))


def forget_messages(folder: Path) -> None:
    """Remove all messages below `folder`: they are bells only, a starting worker sweeps anyway."""
    shutil.rmtree(folder, ignore_errors=True)


TRANSPORT_ALIASES[SCHEME] = "config.broker:Transport"
