"""Tests of how many connections a web worker may have."""

from __future__ import annotations

import resource

import pytest

from config.management.commands.web import MOST_CONNECTIONS, connections_for, raised_file_limit


@pytest.fixture
def limits(monkeypatch):
    """Stands in for the system's limit of open files; gives what it is set to."""
    now = {}
    monkeypatch.setattr(resource, "getrlimit", lambda _which: now["limit"])
    monkeypatch.setattr(resource, "setrlimit", lambda _which, limit: now.update(limit=limit))
    return now


@pytest.mark.parametrize(
    ("soft", "hard", "then"),
    [
        (1_024, 4_096, 4_096),
        (1_024, 524_288, 17_408),
        (1_024, resource.RLIM_INFINITY, 17_408),
        (65_536, 65_536, 65_536),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY),
    ],
)
def test_takes_the_files_that_it_may_have(limits, soft, hard, then):
    limits["limit"] = (soft, hard)

    assert raised_file_limit() in {4_096, 17_408}

    assert limits["limit"] == (then, hard)


def test_leaves_files_for_everything_else():
    assert connections_for(17_408) == MOST_CONNECTIONS
    assert connections_for(4_096) == 3_072
    assert connections_for(1_024) == 512
