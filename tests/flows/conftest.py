"""Fixtures for tests that run Podwright as a process tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.running import RunningUp, services_of_its_own, started_up


@pytest.fixture
def services() -> Iterator[dict[str, str]]:
    with services_of_its_own() as settings:
        yield settings


@pytest.fixture
def empty_services() -> Iterator[dict[str, str]]:
    """Those of a first start: the database has no table."""
    with services_of_its_own(empty=True) as settings:
        yield settings


@pytest.fixture
def running_up(tmp_path: Path, services: dict[str, str]) -> Iterator[RunningUp]:
    with started_up(tmp_path, services) as running:
        yield running
