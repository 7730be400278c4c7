"""Tests of the spool, with real files and real processes."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from analytics import open_segments
from analytics import spool as spool_module
from analytics.open_segments import OPEN_SUFFIX, SEALED_SUFFIX, complete_part
from analytics.spool import LEAST_BYTES, Spool, process_spool, seal_orphans

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["mapped", "written"])
def folder(request, tmp_path, monkeypatch):
    """On a file system whose files can be mapped safely, and on another one."""
    monkeypatch.setattr(open_segments, "keeps_room", lambda _folder: request.param == "mapped")
    return tmp_path / "spool"


@contextlib.contextmanager
def disk_room(bytes_of_a_file):
    """No file of this process may be longer, which is refused like a full disk, and really."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_of_a_file, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def make_spool(folder):
    made = []

    def make(**bounds):
        # However slow the machine is, no file is old unless that is what the test is about.
        made.append(Spool(folder, **{"seal_seconds": 1_000.0} | bounds))
        return made[-1]

    yield make
    for spool in made:
        spool.close()


def lines_of(folder):
    return [
        line
        for path in sorted(folder.iterdir())
        for line in complete_part(path.read_bytes()).splitlines()
    ]


def wait_for(condition):
    for _ in range(5_000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("It did not happen within 100 s.")


class TestAppend:
    def test_is_in_the_file_at_once(self, make_spool, folder):
        assert make_spool().append(b"one\n")

        assert lines_of(folder) == [b"one"]

    def test_keeps_every_line_of_many_threads_whole(self, make_spool, folder):
        spool = make_spool(seal_bytes=5_000)
        wanted = {b"%06d " % number + b"x" * 200 for number in range(3_000)}

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(lambda line: spool.append(line + b"\n"), wanted))
        spool.close()

        assert sorted(lines_of(folder)) == sorted(wanted)
        assert {path.suffix for path in folder.iterdir()} == {SEALED_SUFFIX}

    def test_counts_what_a_full_disk_refuses_and_goes_on_when_it_has_room(
        self, make_spool, folder, monkeypatch
    ):
        monkeypatch.setattr(spool_module, "REFUSED_SECONDS", 0)
        spool = make_spool(seal_bytes=1_000)
        line = b"x" * 299 + b"\n"
        with disk_room(1_000):
            # What the disk gave already is used up first.
            assert [spool.append(line) for _ in range(3)] == [True] * 3
        with disk_room(100):
            assert [spool.append(line) for _ in range(3)] == [False] * 3
        assert spool.lost == 3

        assert spool.append(line)
        spool.close()
        assert lines_of(folder).count(line[:-1]) == 4
        assert {path.suffix for path in folder.iterdir()} == {SEALED_SUFFIX}

    def test_does_not_ask_a_full_disk_at_every_hit(self, make_spool, folder, monkeypatch):
        monkeypatch.setattr(spool_module, "REFUSED_SECONDS", 1_000)
        spool = make_spool()
        with disk_room(10):
            assert not spool.append(b"0123456789\n")
        made = set(folder.glob("*"))

        assert not spool.append(b"again\n")
        assert spool.lost == 2
        assert set(folder.glob("*")) == made

    def test_is_content_with_little_room(self, make_spool, folder):
        spool = make_spool()
        line = b"x" * 999 + b"\n"
        # Room for one more of the least size, not for the next, which would be twice as large.
        with disk_room(LEAST_BYTES):
            assert all(spool.append(line) for _ in range(LEAST_BYTES // 1_000 + 5))

    def test_keeps_what_a_disk_that_cuts_a_line_short_takes_afterwards(
        self, make_spool, folder, monkeypatch
    ):
        monkeypatch.setattr(open_segments, "keeps_room", lambda _folder: False)
        spool = make_spool()
        spool.append(b"one\n")
        with disk_room(7):
            assert not spool.append(b"cut off\n")

        assert spool.append(b"whole\n")
        assert lines_of(folder) == [b"one", b"cut", b"whole"]

    def test_never_raises_when_the_folder_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        spool = Spool(tmp_path / "file" / "spool")

        assert not spool.append(b"one\n")
        assert spool.lost == 1


class TestSealing:
    def test_seals_a_full_file_and_begins_another(self, make_spool, folder):
        spool = make_spool(seal_bytes=10)
        spool.append(b"0123456789\n")
        spool.append(b"next\n")
        wait_for(lambda: list(folder.glob(f"*{SEALED_SUFFIX}")))

        (sealed,) = folder.glob(f"*{SEALED_SUFFIX}")
        (opened,) = folder.glob(f"*{OPEN_SUFFIX}")
        assert sealed.read_bytes() == b"0123456789\n"
        assert complete_part(opened.read_bytes()) == b"next\n"

    def test_gives_back_the_room_that_a_quiet_process_did_not_use(self, make_spool, folder):
        spool = make_spool(seal_seconds=0.05)
        spool.append(b"one\n")
        wait_for(lambda: list(folder.glob(f"*{SEALED_SUFFIX}")))

        (sealed,) = folder.iterdir()
        assert sealed.read_bytes() == b"one\n"

    def test_seals_an_old_file(self, make_spool, folder):
        make_spool(seal_seconds=0.05).append(b"one\n")

        wait_for(lambda: list(folder.glob(f"*{SEALED_SUFFIX}")))

    def test_makes_what_was_written_durable(self, make_spool, monkeypatch):
        synced = []
        sync = os.fdatasync
        monkeypatch.setattr(
            open_segments.os,
            "fdatasync",
            lambda descriptor: (synced.append(descriptor), sync(descriptor)),
        )

        make_spool(seal_seconds=1_000).append(b"one\n")

        wait_for(lambda: synced)

    def test_waits_for_a_sync_that_is_under_way(self, make_spool, monkeypatch):
        monkeypatch.setattr(spool_module, "SYNC_SECONDS", 0.2)
        begun, go_on = threading.Event(), threading.Event()
        spool = make_spool()
        spool.append(b"one\n")
        sync = spool._segment.sync

        def late():
            begun.set()
            go_on.wait(100)
            sync()

        spool._segment.sync = late
        assert begun.wait(100)

        with ThreadPoolExecutor(1) as pool:
            sealing = pool.submit(spool.seal)
            with contextlib.suppress(TimeoutError):
                sealing.result(0.2)
            go_on.set()

        spool.append(b"two\n")
        wait_for(lambda: spool._segment._synced)
        assert spool._keeper.is_alive()

    def test_goes_on_when_syncing_fails(self, make_spool, folder, monkeypatch):
        failures = []

        def fail(descriptor):
            failures.append(descriptor)
            raise OSError(errno.EIO, "I/O error")

        spool = make_spool(seal_seconds=1_000)
        with monkeypatch.context() as broken:
            broken.setattr(open_segments.os, "fdatasync", fail)
            spool.append(b"one\n")
            wait_for(lambda: failures)

        assert spool.append(b"two\n")
        assert lines_of(folder) == [b"one", b"two"]


class TestSealOrphans:
    def test_leaves_a_living_writer_alone(self, make_spool, folder):
        make_spool(seal_seconds=1_000).append(b"one\n")

        assert seal_orphans(folder) == 0

    def test_r62_saves_every_answered_hit_of_a_killed_process(self, folder):
        code = (
            "import sys, time; from pathlib import Path; from analytics.spool import Spool\n"
            "spool = Spool(Path(sys.argv[1]), seal_seconds=1_000)\n"
            "for number in range(500): spool.append(b'%d\\n' % number)\n"
            "print('written', flush=True); time.sleep(60)\n"
        )
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], cwd=ROOT, stdout=subprocess.PIPE
        )
        with writer:
            assert writer.stdout.readline() == b"written\n"
            writer.send_signal(signal.SIGKILL)

        assert seal_orphans(folder) == 1
        assert seal_orphans(folder) == 0
        assert lines_of(folder) == [b"%d" % number for number in range(500)]
        assert {path.suffix for path in folder.iterdir()} == {SEALED_SUFFIX}

    @pytest.mark.parametrize(
        "torn",
        [b"", b"[1,2", b"[1,2\0\0\0\0]\n", b"\0\0\0\0,3]\n", b"[1\0,3]\0"],
        ids=["nothing", "begun", "without its middle", "without its beginning", "in pieces"],
    )
    def test_drops_the_hit_that_was_being_copied_and_the_room_behind_it(self, folder, torn):
        folder.mkdir()
        path = folder / f"0000000000001-left{OPEN_SUFFIX}"
        path.write_bytes(b"one\ntwo\n" + torn + bytes(5_000))

        assert seal_orphans(folder) == 1
        assert path.with_suffix(SEALED_SUFFIX).read_bytes() == b"one\ntwo\n"

    def test_removes_a_file_without_a_hit(self, folder):
        folder.mkdir()
        (folder / f"0000000000001-left{OPEN_SUFFIX}").write_bytes(bytes(5_000))
        (folder / "0000000000002-unnamed").touch()
        os.utime(folder / "0000000000002-unnamed", (1, 1))
        (folder / "0000000000003-young").touch()

        assert seal_orphans(folder) == 0
        assert [path.name for path in folder.iterdir()] == ["0000000000003-young"]

    @pytest.mark.slow
    def test_loses_no_answered_hit_wherever_processes_are_killed(self, folder, tmp_path):
        kind = "mapped" if open_segments.keeps_room(folder) else "written"
        code = [sys.executable, "-m", "tests.analytics.killed_writers", str(folder), kind]
        done = subprocess.run(code, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=250)
        answered = json.loads(done.stdout)

        seal_orphans(folder)
        written = set()
        for line in lines_of(folder):
            writer, thread, number, length, filling = line.split(b" ")
            assert filling == b"x" * int(length)
            written.add((int(writer), int(thread), int(number)))
        # A process may die before a file has its first name; nothing was answered then.
        assert {path.suffix for path in folder.iterdir() if path.stat().st_size} == {SEALED_SUFFIX}
        assert sum(number for _, _, number in answered) > 1_000
        for writer, thread, last in answered:
            assert written >= {(writer, thread, number) for number in range(1, last + 1)}

    def test_does_nothing_without_a_folder(self, folder):
        assert seal_orphans(folder) == 0


class TestProcessSpool:
    def test_is_one_per_process_and_folder(self, tmp_path):
        assert process_spool(tmp_path / "a") is process_spool(tmp_path / "a")
        assert process_spool(tmp_path / "a") is not process_spool(tmp_path / "b")

    def test_seals_at_the_end_of_the_process(self, folder):
        code = (
            "import sys; from pathlib import Path; from analytics.spool import process_spool\n"
            "process_spool(Path(sys.argv[1])).append(b'one\\n')\n"
        )
        subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True)

        assert [path.suffix for path in folder.iterdir()] == [SEALED_SUFFIX]


class TestKeepsRoom:
    def test_knows_the_file_systems_that_do(self, monkeypatch, tmp_path):
        device = tmp_path.stat().st_dev
        number = f"{os.major(device)}:{os.minor(device)}"
        for kind, wanted in (("ext4", True), ("xfs", True), ("btrfs", False), ("overlay", False)):
            mounts = f"1 0 0:9 / /a rw - xfs x rw\n2 1 {number} / /b rw a:1 - {kind} /dev/x rw\n"
            monkeypatch.setattr(Path, "read_bytes", lambda _path, mounts=mounts: mounts.encode())
            open_segments.keeps_room.cache_clear()
            assert open_segments.keeps_room(tmp_path) is wanted
        open_segments.keeps_room.cache_clear()
