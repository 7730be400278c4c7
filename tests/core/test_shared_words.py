"""Tests of numbers that several processes share."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.shared_words import SharedWords

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "words"


@pytest.fixture
def words(path):
    found = SharedWords(path, 4)
    yield found
    found.close()


def test_begin_at_zero_and_are_seen_by_all(path, words):
    other = SharedWords(path, 4)
    assert list(other.words) == [0, 0, 0, 0]

    words.words[2] = 2**64 - 1

    assert other.words[2] == 2**64 - 1
    other.close()


def test_stay_when_everybody_closes_them_and_when_there_are_more(path):
    first = SharedWords(path, 2)
    first.words[1] = 7
    first.close()

    second = SharedWords(path, 3)

    assert list(second.words) == [0, 7, 0]
    second.close()


def test_lose_no_addition_of_threads_and_processes(path, words):
    program = (
        "import sys; from pathlib import Path; from core.shared_words import SharedWords\n"
        "words = SharedWords(Path(sys.argv[1]), 4)\n"
        "for _ in range(2000): words.add(0, 1)"
    )
    others = [subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=ROOT) for _ in "ab"]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: words.add(0, 1), range(2_000)))

    assert [other.wait(150) for other in others] == [0, 0]
    assert words.words[0] == 6_000


def test_say_that_they_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        SharedWords(tmp_path / "file" / "words", 4)
