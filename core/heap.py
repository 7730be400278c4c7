"""Keeps a process of many threads from having as many heaps."""

from __future__ import annotations

import contextlib
import ctypes

#: Of glibc's <malloc.h>.
_M_ARENA_MAX = -8
HEAPS = 2


def share_heaps() -> None:
    """Let the threads that start from now on take memory from `HEAPS` heaps together.

    glibc gives them up to eight a core. What one thread takes and another gives back then lies unused
    in many places, and the process grows for hours. More heaps only help threads that take memory at
    the same moment, which the interpreter lock mostly forbids. Other C libraries have no such setting,
    and nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, HEAPS)
