"""Uploads to real processes: what is left when the sender or the server goes away midway."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.factories import sounds
from tests.flows.running import RunningUp, living, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.once]

MEBIBYTE = 2**20
PART = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.mp3"\r\n\r\n'


def key_of(running: RunningUp) -> str:
    found = re.search(r"pc_live_[A-Za-z0-9]{32}", running.printed())
    assert found is not None
    return found[0]


def half_sent(running: RunningUp) -> socket.socket:
    """A connection on which half of an upload of 40 MiB has been sent."""
    head = (
        f"POST /api/v1/upload HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n"
        f"Authorization: Bearer {key_of(running)}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {40 * MEBIBYTE}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", running.port))
    connection.sendall(head.encode() + PART)
    for _ in range(20):
        connection.sendall(bytes(MEBIBYTE))
    return connection


def being_received(running: RunningUp) -> list[int]:
    """Sizes of the files without a name that web processes are writing."""
    sizes = []
    for process in running.child("web").children(recursive=True):
        with suppress(OSError):  # it has gone meanwhile
            for link in Path(f"/proc/{process.pid}/fd").iterdir():
                with suppress(OSError):  # closed meanwhile
                    if link.readlink().parts[-3:-1] == ("var", "work"):
                        sizes.append(link.stat().st_size)
    return sizes


def stored_files(folder: Path) -> list[Path]:
    found = [path for name in ("media", "work") for path in (folder / "var" / name).rglob("*")]
    return [path for path in found if path.is_file()]


@pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="looks at open files as Linux has them"
)
class TestAbortedUpload:
    def test_leaves_nothing_when_the_sender_or_the_process_goes_away(
        self, tmp_path: Path, running_up: RunningUp
    ) -> None:
        assert_sender_may_go(tmp_path, running_up)
        assert_process_may_be_killed(tmp_path, running_up)


def assert_sender_may_go(folder: Path, running: RunningUp) -> None:
    connection = half_sent(running)
    wait_until(lambda: max(being_received(running), default=0) > MEBIBYTE)

    connection.close()

    wait_until(lambda: being_received(running) == [])
    assert stored_files(folder) == []


def assert_process_may_be_killed(folder: Path, running: RunningUp) -> None:
    connection = half_sent(running)
    wait_until(lambda: max(being_received(running), default=0) > MEBIBYTE)
    processes = running.child("web").children(recursive=True)

    for process in processes:
        process.kill()

    wait_until(lambda: living(processes) == [])
    connection.close()
    assert stored_files(folder) == []
    wait_until(running.answers)
    sent = httpx.post(
        f"{running.url}/api/v1/upload",
        headers={"Authorization": f"Bearer {key_of(running)}"},
        files={"audio": ("a.mp3", sounds.mp3())},
        timeout=60,
    )
    assert sent.status_code == httpx.codes.CREATED
    assert len(stored_files(folder)) == 1
