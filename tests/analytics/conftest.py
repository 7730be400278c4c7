"""Fixtures of the counting's tests: an own folder, and the hits that were spooled."""

from __future__ import annotations

import pytest

from analytics.hits import unpack
from analytics.open_segments import complete_part


@pytest.fixture(autouse=True)
def data_dir(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    return settings.DATA_DIR


@pytest.fixture
def hits(data_dir):
    """Reads all hits so far, in the order of their time."""

    def read():
        while True:
            try:
                lines = [
                    line
                    for path in (data_dir / "spool").glob("*.*")
                    for line in complete_part(path.read_bytes()).splitlines()
                ]
            except FileNotFoundError:  # it was sealed just now, and has another name
                continue
            return sorted((unpack(line) for line in lines), key=lambda hit: hit.hit_id)

    return read
