"""Tests that many threads share few heaps."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from config.env import BASE_DIR
from core.heap import HEAPS

COUNTED = """
import ctypes, threading
from core.heap import share_heaps
share_heaps()
barrier = threading.Barrier(40)
def take():
    barrier.wait()
    taken = [bytes(2_000 + number) for number in range(100)]
    barrier.wait()
threads = [threading.Thread(target=take) for _ in range(40)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has several heaps")
def test_forty_threads_take_from_two_heaps():
    done = subprocess.run(
        [sys.executable, "-c", COUNTED], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )

    assert 1 <= done.stdout.count("<heap nr=") <= HEAPS
