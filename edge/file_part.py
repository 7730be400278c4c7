"""A part of a file as the body of an answer: read a piece at a time, as the client takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

#: Large enough to be fast, small enough to forget.
PIECE_BYTES = 65_536


class FilePart:
    """Iterates over `length` bytes of an open file from `start` on, in pieces; closes it in the end.

    `on_end` is told once how many bytes were sent: a piece counts when the server comes for what
    follows it, so one that a client no longer took does not. Not a generator: one that is never
    begun, as for a client that is gone at once, never closes its file.
    """

    def __init__(
        self, source: IO[bytes], *, start: int, length: int, on_end: Callable[[int], None]
    ) -> None:
        source.seek(start)
        self._source = source
        self._left = length
        self._on_end = on_end
        self._sent = self._on_its_way = 0
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._sent += self._on_its_way
        self._on_its_way = 0
        piece = self._source.read(min(PIECE_BYTES, self._left)) if self._left else b""
        if not piece:
            self.close()
            raise StopIteration
        self._left -= len(piece)
        self._on_its_way = len(piece)
        return piece

    def close(self) -> None:
        """Close the file and tell what was sent; a second call does nothing."""
        self._source.close()
        self._left = 0
        if not self._ended:
            self._ended = True
            self._on_end(self._sent)
