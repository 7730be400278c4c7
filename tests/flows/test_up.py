"""`manage.py up` as a whole: first start, restarts of children, endings of every kind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from config.env import BASE_DIR
from tests.flows.running import (
    PATIENCE_SECONDS,
    PYTHON,
    RunningUp,
    environment_of,
    living,
    run_manage,
    started_up,
    wait_until,
)
from tests.ports import free_port

pytestmark = pytest.mark.slow

KEY = re.compile(r"pc_live_[A-Za-z0-9]{32}")


class TestFirstStart:
    def test_prints_a_key_that_works_and_later_starts_do_not(
        self, tmp_path: Path, empty_services: dict[str, str]
    ) -> None:
        with started_up(tmp_path, empty_services, on_nothing=True) as first:
            key = KEY.search(first.printed())
            assert key is not None
            bearer = {"Authorization": f"Bearer {key[0]}"}
            shows = httpx.get(f"{first.url}/api/shows", headers=bearer, timeout=60).json()
            # A broker that takes its time on a busy machine is there a moment later.
            wait_until(lambda: httpx.get(f"{first.url}/readyz", timeout=60).status_code == 200)
            checks = httpx.get(f"{first.url}/readyz", timeout=60).json()["checks"]
            assert_quickstart(first)
            assert_keeps_its_folder_to_itself(tmp_path / "var")

        with started_up(tmp_path, empty_services) as second:
            printed = second.printed()

        assert "password" in first.printed()
        assert shows["shows"] == []
        assert checks == {"database": True, "broker": True, "storage": True, "counting": True}
        assert KEY.search(printed) is None
        assert "manage.py issue_key" in printed
        assert "warning" not in first.printed()


def assert_quickstart(running: RunningUp) -> None:
    """It prints commands with the key filled in."""
    lines = [line for line in running.printed().splitlines() if line.startswith("curl ")]
    assert f"{running.url}/api/shows " in lines[0]
    assert f"{running.url}/api/episodes/publish " in lines[1]
    assert lines[2].endswith("/feed")
    assert all(KEY.search(line) for line in lines[:2])


def assert_keeps_its_folder_to_itself(data_dir: Path) -> None:
    another = run_manage("up", environment=environment_of(data_dir, free_port()))
    assert_one_line(another, f"already runs on DATA_DIR {data_dir}")
    assert data_dir.stat().st_mode & 0o077 == 0
    assert (data_dir / "secret_key").stat().st_mode & 0o077 == 0


@pytest.mark.once
class TestEnding:
    def test_a_killed_one_leaves_no_orphan_and_a_start_right_after_it_ends_by_ctrl_c(
        self, tmp_path: Path, services: dict[str, str]
    ) -> None:
        with started_up(tmp_path, services) as first:
            orphans = first.family()
            first.process.kill()
            first.process.wait()

            with started_up(tmp_path, services, port=first.port) as second:
                wait_until(second.answers)
                wait_until(lambda: living(orphans) == [])
                assert_ends_by(signal.SIGINT, second)

    def test_ends_with_the_process_that_started_it_when_asked(
        self, tmp_path: Path, services: dict[str, str]
    ) -> None:
        port = free_port()
        command = [PYTHON, str(BASE_DIR / "manage.py"), "up", "--end-with-parent"]
        script = f"import subprocess; subprocess.run({command})"
        with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
            starter = subprocess.Popen(
                [PYTHON, "-c", script],
                env=environment_of(tmp_path / "var", port, **services),
                stdout=out,
                stderr=err,
            )
        try:
            wait_until(lambda: "Ready: " in (tmp_path / "out").read_text())
            family = psutil.Process(starter.pid).children(recursive=True)
        finally:
            starter.kill()
            starter.wait()

        wait_until(lambda: living(family) == [])
        assert_port_is_free(port)


@pytest.mark.once
class TestRestarting:
    def test_what_is_killed_comes_back_without_its_leftovers_and_a_signal_ends_it_all(
        self, running_up: RunningUp
    ) -> None:
        web = running_up.child("web")
        wait_until(lambda: len(living(web.children())) == 2)
        victim = web.children()[0]
        victim.kill()
        wait_until(lambda: len([one for one in living(web.children()) if one != victim]) == 2)

        for part in ("clock", "worker", "web"):
            killed = running_up.child(part)
            leftovers = [killed, *killed.children(recursive=True)]
            killed.kill()
            wait_until(partial(_are_gone, leftovers))
            wait_until(lambda: len(psutil.Process(running_up.process.pid).children()) == 3)
            wait_until(running_up.answers)
            assert f'"program": "{part}"' in running_up.errors.read_text()

        assert_ends_by(signal.SIGTERM, running_up)


def _are_gone(processes: list[psutil.Process]) -> bool:
    return living(processes) == []


@pytest.mark.once
class TestRefusing:
    def test_a_taken_port_is_one_clear_line(self, tmp_path: Path) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]

            result = run_manage("up", environment=environment_of(tmp_path / "var", port))

        assert_one_line(result, f"PORT {port} on 127.0.0.1 is taken")

    def test_a_folder_that_cannot_be_written_is_one_clear_line(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        result = run_manage(
            "up", environment=environment_of(tmp_path / "file" / "var", free_port())
        )

        assert_one_line(result, "cannot be written")

    def test_an_unreachable_database_is_one_clear_line(self, tmp_path: Path) -> None:
        environment = environment_of(
            tmp_path / "var",
            free_port(),
            DATABASE_URL=f"postgres://nobody@127.0.0.1:{free_port()}/nothing",
        )

        result = run_manage("up", environment=environment)

        assert_one_line(result, "DATABASE_URL")


def assert_one_line(result: subprocess.CompletedProcess[str], expected: str) -> None:
    assert result.returncode == 1
    assert result.stdout == ""
    assert expected in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr


def assert_ends_by(number: int, running: RunningUp) -> None:
    family = running.family()
    assert len(family) >= 5

    running.process.send_signal(number)

    assert running.process.wait(PATIENCE_SECONDS) == 0
    assert living(family) == []
    assert_port_is_free(running.port)


def assert_port_is_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


@pytest.mark.skipif("DATABASE_URL" not in os.environ, reason="SQLite is one machine's alone")
class TestSharedDatabase:
    def test_two_first_starts_at_once_make_one_operator(
        self, tmp_path: Path, empty_services: dict[str, str]
    ) -> None:
        (tmp_path / "one").mkdir()
        (tmp_path / "other").mkdir()

        with ThreadPoolExecutor() as pool, ExitStack() as stack:
            starts = [
                pool.submit(stack.enter_context, started_up(tmp_path / name, empty_services))
                for name in ("one", "other")
            ]
            both = [start.result() for start in starts]
            printed = [running.printed() for running in both]

        assert sum(KEY.search(text) is not None for text in printed) == 1
        assert sum("user admin, password " in text for text in printed) == 1
