"""Finds loopback ports for servers that tests start."""

from __future__ import annotations

import random
import socket

#: Below those that the system hands out: until the server that a test starts binds its own, no
#: connection and no other listener of the suite can have been given it.
PORTS = range(12_000, 32_000)
_chance = random.SystemRandom()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    while True:
        port = _chance.choice(PORTS)
        with socket.socket() as probe:
            # What a server of a moment ago leaves in TIME_WAIT is in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
