"""Fixtures of the counting's tests: an own folder, and the hits that were spooled."""

from __future__ import annotations

from contextlib import suppress

import pytest

from analytics.hits import unpack
from analytics.open_segments import complete_part


@pytest.fixture(autouse=True)
def data_dir(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    return settings.DATA_DIR


def contents(folder):
    """What is in the files of a spool, at a moment at which none of them is given its second name."""
    while True:
        paths = sorted(folder.glob("*.*"))
        with suppress(FileNotFoundError):
            found = [path.read_bytes() for path in paths]
            if paths == sorted(folder.glob("*.*")):
                return found


@pytest.fixture
def hits(data_dir):
    """Reads all hits so far, in the order of their time."""

    def read():
        lines = [
            line
            for content in contents(data_dir / "spool")
            for line in complete_part(content).splitlines()
        ]
        return sorted((unpack(line) for line in lines), key=lambda hit: hit.hit_id)

    return read
