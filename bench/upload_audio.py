"""Uploading 200 MB: how much a web process grows, beside the same bytes sent to a bare socket.

    python bench/upload_audio.py [--megabytes 199] [--uploads 2]

One fresh Podwright with one web process takes generated files, streamed as they are made and each
different. Printed are the growth of the web process, from what it held before to its peak (target: under
64 MiB), and the seconds of an upload beside those of a server that reads the same bytes and drops them.
"""

from __future__ import annotations

import argparse
import random
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.factories.sounds import aac
from tests.flows.running import RunningUp, started_up

BOUNDARY = "a1b2c3"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="audio"; filename="long.aac"\r\n\r\n'
).encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
KIND = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=199)
    parser.add_argument("--uploads", type=int, default=2)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="podwright-bench-") as folder,
        started_up(Path(folder), {"WORKERS": "1"}) as running,
    ):
        key = re.search(r"pc_live_\w+", running.printed())
        assert key is not None, "up printed no key"
        headers = {"Authorization": f"Bearer {key[0]}", **KIND}
        send(f"{running.url}/api/v1/upload", headers, megabytes=1)
        before = memory(running, "VmRSS")
        began = time.perf_counter()
        for _ in range(arguments.uploads):
            send(f"{running.url}/api/v1/upload", headers, megabytes=arguments.megabytes)
        seconds = (time.perf_counter() - began) / arguments.uploads
        peaks = memory(running, "VmHWM")
        growth = max(peaks[one] - before[one] for one in before) / 2**20
    floor = bare_seconds(arguments.megabytes)
    print(
        f"{arguments.megabytes} MiB: the web process grew by {growth:.1f} MiB (target 64), "
        f"{seconds:.1f} s each; to a bare socket {floor:.1f} s"
    )
    if growth > 64:
        raise SystemExit("the target is missed")


def send(address: str, headers: dict[str, str], *, megabytes: int) -> None:
    length = megabytes * 2**20
    size = len(HEAD) + length + len(TAIL)
    answered = httpx.post(
        address,
        content=pieces(length),
        headers={**headers, "Content-Length": str(size)},
        timeout=120,
    )
    assert answered.status_code == httpx.codes.CREATED, answered.text


def pieces(length: int) -> Iterator[bytes]:
    """A form with an AAC file of `length` bytes whose last ones are random."""
    frames = aac(frames=10_000)
    yield HEAD
    ending = random.randbytes(64)
    left = length - len(ending)
    while left:
        piece = frames[: min(left, len(frames))]
        yield piece
        left -= len(piece)
    yield ending
    yield TAIL


def memory(running: RunningUp, name: str) -> dict[int, int]:
    """Bytes by process of the web server: `VmRSS` what each holds now, `VmHWM` the most it ever did."""
    web = running.child("web")
    held = {}
    for process in (web, *web.children(recursive=True)):
        status = Path(f"/proc/{process.pid}/status").read_text()
        held[process.pid] = int(status.split(f"{name}:")[1].split()[0]) * 1_024
    return held


def bare_seconds(megabytes: int) -> float:
    """How long the same bytes take to a server that drops them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drop_one, args=(listener,), daemon=True).start()
        began = time.perf_counter()
        with socket.create_connection(listener.getsockname()) as sending:
            for piece in pieces(megabytes * 2**20):
                sending.sendall(piece)
            sending.shutdown(socket.SHUT_WR)
            sending.recv(1)
        return time.perf_counter() - began


def drop_one(listener: socket.socket) -> None:
    """Read one connection to its end."""
    connection, _address = listener.accept()
    with connection:
        while connection.recv(65_536):
            pass


if __name__ == "__main__":
    main()
