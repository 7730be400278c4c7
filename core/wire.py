"""Connects to already checked addresses under one deadline that covers every read and write."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable

import httpcore

from core.addresses import IPNetwork, Resolver, dialable_addresses

#: One dead address of several must not use up the whole time.
CONNECT_SECONDS = 5.0


class Deadline:
    """A moment on the monotonic clock by which everything has to be over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left; raises `httpcore.ReadTimeout` when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("deadline passed")
        return left


class GuardedBackend(httpcore.NetworkBackend):
    """Looks a host up once, refuses what may not be dialled, and dials exactly what it checked.

    The name given to TLS and to the Host header stays the one of the URL: only the address differs.
    """

    def __init__(
        self, *, deadline: Deadline, resolve: Resolver, allow: Iterable[IPNetwork]
    ) -> None:
        self._deadline = deadline
        self._resolve = resolve
        self._allow = tuple(allow)
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; the deadline stands in for `timeout`."""
        addresses = dialable_addresses(
            host,
            port,
            resolve=self._resolve,
            allow=self._allow,
            timeout=self._deadline.remaining(),
        )
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                stream = self._sockets.connect_tcp(
                    address,
                    port,
                    timeout=min(CONNECT_SECONDS, self._deadline.remaining()),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(stream, self._deadline)
        raise failure


class _DeadlineStream(httpcore.NetworkStream):
    """A stream whose every wait ends at the deadline, so that a server cannot drip for ever."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._deadline.remaining()
        return self._stream.read(max_bytes, timeout=left if timeout is None else min(timeout, left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=self._deadline.remaining())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(
            ssl_context, server_hostname=server_hostname, timeout=self._deadline.remaining()
        )
        return _DeadlineStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
