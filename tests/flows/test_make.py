"""The Makefile's own set-up: which Python, when to install, and what it says if it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.env import BASE_DIR

pytestmark = pytest.mark.once


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the Makefile with locks that hold nothing, so that no network is needed."""
    shutil.copy(BASE_DIR / "Makefile", tmp_path)
    for name in ("requirements", "requirements-dev", "requirements-models"):
        (tmp_path / f"{name}.lock").touch()
    return tmp_path


def make(
    project: Path, *arguments: str, path: str | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path or os.environ["PATH"], "HOME": str(project)}
    return subprocess.run(
        ["/usr/bin/env", "make", "--no-print-directory", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def age_stamps(project: Path) -> None:
    """Make older what says what is installed: clocks of file systems may be coarse, machines quick."""
    for stamp in (project / ".venv").glob("*.stamp"):
        os.utime(stamp, (0, 0))


def folder_of_programs(folder: Path, **programs: str) -> str:
    """A PATH of the ordinary tools without any Python, and with the given scripts."""
    folder.mkdir()
    for name in ("make", "sh", "env", "cmp", "touch", "cp", "awk"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    for name, body in programs.items():
        script = folder / name.replace("_", ".")
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
    return str(folder)


class TestInstall:
    @pytest.mark.slow
    def test_happens_once_for_each_content_of_the_lock(self, project: Path) -> None:
        first = make(project, "install", f"PYTHON={sys.executable}")
        second = make(project, "install", f"PYTHON={sys.executable}")
        age_stamps(project)
        touched = make(project, "install", f"PYTHON={sys.executable}")
        (project / "requirements.lock").write_text("# changed\n")
        age_stamps(project)
        changed = make(project, "install", f"PYTHON={sys.executable}")

        assert "Installing requirements.lock" in first.stdout, first.stderr
        assert "Installing" not in second.stdout
        assert "Installing" not in touched.stdout
        assert "Installing requirements.lock" in changed.stdout

    @pytest.mark.slow
    def test_for_development_covers_running(self, project: Path) -> None:
        make(project, "install-dev", f"PYTHON={sys.executable}")

        assert "Installing" not in make(project, "install").stdout

    def test_says_in_one_line_that_a_python_is_missing(self, project: Path) -> None:
        path = folder_of_programs(project / "bin", python3="exit 1")

        result = make(project, "install", path=path)

        assert result.returncode != 0
        assert result.stderr.splitlines()[0] == (
            "Podwright needs Python 3.11, 3.12 or 3.13; set PYTHON=/path/to/it."
        )

    def test_says_in_one_line_that_the_chosen_python_is_another_one(self, project: Path) -> None:
        path = folder_of_programs(project / "bin", python2_7="exit 1")

        result = make(project, "install", "PYTHON=python2.7", path=path)

        assert result.returncode != 0
        assert "python2.7 is another one" in result.stderr.splitlines()[0]

    def test_finds_a_python_under_any_of_its_names(self, project: Path) -> None:
        path = folder_of_programs(
            project / "bin", python3_12="exit 1", python3=f'exec {sys.executable} "$@"'
        )

        result = make(project, "--dry-run", "install", path=path)

        assert '"python3" -m venv' in result.stdout
