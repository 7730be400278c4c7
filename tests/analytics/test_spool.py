"""Tests of the spool, with real files and real processes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from analytics import spool as spool_module
from analytics.spool import OPEN_SUFFIX, SEALED_SUFFIX, Spool, process_spool, seal_orphans

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def make_spool(folder):
    made = []

    def make(**bounds):
        made.append(Spool(folder, **bounds))
        return made[-1]

    yield make
    for spool in made:
        spool.close()


def lines_of(folder):
    return [line for path in sorted(folder.iterdir()) for line in path.read_bytes().splitlines()]


def wait_for(condition):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("It did not happen within 8 s.")


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

    def test_counts_a_hit_that_a_full_disk_refuses(self, make_spool, monkeypatch):
        spool = make_spool()

        def refuse(descriptor, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(spool_module.os, "write", refuse)

        assert not spool.append(b"one\n")
        assert not spool.append(b"two\n")
        assert spool.lost == 2

    def test_goes_on_after_the_disk_has_room_again(self, make_spool, folder, monkeypatch):
        spool = make_spool()
        write = os.write
        with monkeypatch.context() as full:
            full.setattr(
                spool_module.os, "write", lambda descriptor, data: write(descriptor, data[:3])
            )
            assert not spool.append(b"cut off\n")

        assert spool.append(b"whole\n")
        assert lines_of(folder) == [b"cut", b"whole"]

    def test_never_raises_when_the_folder_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        spool = Spool(tmp_path / "file" / "spool")

        assert not spool.append(b"one\n")
        assert spool.lost == 1


class TestSealing:
    def test_seals_a_full_file_and_begins_another(self, make_spool, folder):
        spool = make_spool(seal_bytes=10)
        spool.append(b"0123456789\n")
        wait_for(lambda: list(folder.glob(f"*{SEALED_SUFFIX}")))

        spool.append(b"next\n")

        (sealed,) = folder.glob(f"*{SEALED_SUFFIX}")
        (opened,) = folder.glob(f"*{OPEN_SUFFIX}")
        assert sealed.read_bytes() == b"0123456789\n"
        assert opened.read_bytes() == b"next\n"

    def test_seals_an_old_file(self, make_spool, folder):
        make_spool(seal_seconds=0.05).append(b"one\n")

        wait_for(lambda: list(folder.glob(f"*{SEALED_SUFFIX}")))

    def test_makes_what_was_written_durable(self, make_spool, monkeypatch):
        synced = []
        sync = os.fdatasync
        monkeypatch.setattr(
            spool_module.os,
            "fdatasync",
            lambda descriptor: (synced.append(descriptor), sync(descriptor)),
        )

        make_spool(seal_seconds=1_000).append(b"one\n")

        wait_for(lambda: synced)

    def test_goes_on_when_syncing_fails(self, make_spool, folder, monkeypatch):
        failures = []

        def fail(descriptor):
            failures.append(descriptor)
            raise OSError(errno.EIO, "I/O error")

        spool = make_spool(seal_seconds=1_000)
        with monkeypatch.context() as broken:
            broken.setattr(spool_module.os, "fdatasync", fail)
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
            "import sys, time; from pathlib import Path; from analytics.spool import process_spool\n"
            "spool = process_spool(Path(sys.argv[1]))\n"
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
