"""Stands between real clients and the server: passes all bytes on, notes what was said, cuts on request."""

from __future__ import annotations

import socket
import threading
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE_BYTES = 65_536
WITHOUT_BODY = {204, 304}


@dataclass
class Exchange:
    """One request and the status that answered it, 0 until then."""

    method: str
    path: str
    headers: dict[str, str]
    status: int = 0


@dataclass
class Relay:
    """Where clients connect to; `exchanges` is what they said since it was last cleared."""

    port: int
    exchanges: list[Exchange] = field(default_factory=list)
    _cuts: dict[str, int] = field(default_factory=dict)
    #: Clients ask for several things at once, and only one of them is cut.
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cut_once(self, path, *, after):
        """Break the connection `after` so many bytes of the next body below `path`."""
        self._cuts[path] = after

    def said(self, path):
        """What was asked of the addresses that begin with `path`, in order."""
        return [one for one in self.exchanges if one.path.startswith(path)]

    def _cut_for(self, exchange):
        with self._lock:
            for path in self._cuts:
                if exchange.method == "GET" and exchange.path.startswith(path):
                    return self._cuts.pop(path)
        return None


@contextmanager
def relaying(target_port):
    """A relay to a server that may start later."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        relay = Relay(port=listener.getsockname()[1])
        threading.Thread(target=_accept, args=(relay, listener, target_port), daemon=True).start()
        yield relay
        # Wakes the thread that accepts, which a mere close does not.
        listener.shutdown(socket.SHUT_RDWR)


def _accept(relay, listener, target_port):
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        try:
            server = socket.create_connection(("127.0.0.1", target_port))
        except OSError:  # it is not there, yet or any more
            client.close()
            continue
        asked = deque()
        for work in (_pass_requests, _pass_answers):
            threading.Thread(target=work, args=(relay, client, server, asked), daemon=True).start()


def _pass_requests(relay, client, server, asked):
    """Clients send heads only: nothing that they ask for has a body."""
    with suppress(OSError):
        for lines, raw in _heads(client.makefile("rb")):
            method, path, _ = lines[0].split(" ")
            headers = dict(line.split(": ", 1) for line in lines[1:])
            exchange = Exchange(method, path, {name.lower(): headers[name] for name in headers})
            relay.exchanges.append(exchange)
            asked.append(exchange)
            server.sendall(raw)
        server.shutdown(socket.SHUT_WR)


def _pass_answers(relay, client, server, asked):
    with suppress(OSError), server.makefile("rb") as source:
        for lines, raw in _heads(source):
            exchange = asked.popleft()
            exchange.status = int(lines[0].split(" ")[1])
            length = _body_length(exchange, lines)
            cut = relay._cut_for(exchange) if exchange.status < 300 else None
            client.sendall(raw)
            left = length if cut is None else cut
            while left and (piece := source.read1(min(PIECE_BYTES, left))):
                client.sendall(piece)
                left -= len(piece)
            if cut is not None:
                break
    for end in (client, server):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def _heads(source):
    """Every head from the stream: its lines, and its bytes as they came."""
    raw = b""
    for line in source:
        raw += line
        if line == b"\r\n":
            yield raw.decode("latin-1").split("\r\n")[:-2], raw
            raw = b""


def _body_length(exchange, lines):
    if exchange.method == "HEAD" or exchange.status in WITHOUT_BODY:
        return 0
    (length,) = [
        int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")
    ]
    return length
