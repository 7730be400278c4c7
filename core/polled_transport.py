"""Waits for a server in short steps, so that whoever waits can be told to stop in between."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpcore2
import httpx2

#: How long a stop may go unnoticed.
STEP_SECONDS = 0.5
CONNECT_SECONDS = 10.0

_check: ContextVar[Callable[[], None]] = ContextVar("_check", default=lambda: None)


class _Stopped(BaseException):
    """Carries what `check` raised through clients that try again after any `Exception`."""

    def __init__(self, reason: Exception) -> None:
        super().__init__()
        self.reason = reason


@contextmanager
def stopped_by(check: Callable[[], None]) -> Iterator[None]:
    """Within the block, `check` is called at every step of this thread's waits.

    What it raises ends the wait, closes the connection and leaves the block.
    """
    token = _check.set(check)
    try:
        yield
    except _Stopped as stopped:
        raise stopped.reason from None
    finally:
        _check.reset(token)


class PolledTransport(httpx2.HTTPTransport):
    """Speaks HTTP without a proxy; its reads can be ended by `stopped_by`."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        self._pool.close()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False), network_backend=_Backend()
        )


class _Backend(httpcore2.NetworkBackend):
    def __init__(self) -> None:
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        _check_now()
        wait = CONNECT_SECONDS if timeout is None else min(CONNECT_SECONDS, timeout)
        return _Stream(
            self._sockets.connect_tcp(
                host,
                port,
                timeout=wait,
                local_address=local_address,
                socket_options=socket_options,
            )
        )


class _Stream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        end = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            _check_now()
            left = end - time.monotonic()
            try:
                return self._stream.read(max_bytes, timeout=max(0.0, min(STEP_SECONDS, left)))
            except httpcore2.ReadTimeout:
                if left <= STEP_SECONDS:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        return _Stream(
            self._stream.start_tls(ssl_context, server_hostname=server_hostname, timeout=timeout)
        )

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _check_now() -> None:
    try:
        _check.get()()
    except Exception as error:  # noqa: BLE001 - whatever it is, `stopped_by` raises it again
        raise _Stopped(error) from None
