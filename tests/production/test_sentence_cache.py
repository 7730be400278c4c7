from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from production.sentence_cache import SentenceCache, StorageFull, sentence_key
from production.voices.base import SpokenWord

KEY = "ab" + "0" * 62
FACTS = {"spoken": "Hi.", "voice": "heart", "fingerprint": "f", "speed": 1.0, "lexicon": ""}


@pytest.fixture
def cache(tmp_path: Path) -> SentenceCache:
    return SentenceCache(tmp_path)


@pytest.fixture
def samples() -> np.ndarray:
    return np.linspace(-1.2, 1.2, 24_000, dtype=np.float32)


class TestSentenceKey:
    def test_is_the_same_for_the_same_facts(self) -> None:
        assert sentence_key(**FACTS) == sentence_key(**FACTS)

    @pytest.mark.parametrize(
        "change",
        [
            {"spoken": "Ho."},
            {"voice": "joe"},
            {"fingerprint": "g"},
            {"speed": 1.1},
            {"lexicon": "d"},
            {"spoken": 'Hi.", "heart', "voice": ""},
            {"spoken": "\ud800"},
        ],
    )
    def test_differs_when_anything_differs(self, change: dict[str, object]) -> None:
        assert sentence_key(**FACTS | change) != sentence_key(**FACTS)


class TestSentenceCache:
    def test_gives_back_what_was_stored(self, cache: SentenceCache, samples: np.ndarray) -> None:
        words = (SpokenWord("naïve \n", 5, 900),)

        cache.store(KEY, samples, words)
        found = cache.load(KEY)

        assert cache.has(KEY)
        assert found is not None
        assert found.words == words
        assert np.abs(found.pcm / 32_767 - np.clip(samples, -1, 1)).max() < 1e-4

    def test_knows_nothing_at_first(self, cache: SentenceCache) -> None:
        assert not cache.has(KEY)
        assert cache.load(KEY) is None

    @pytest.mark.parametrize(
        "damage",
        [
            lambda content: content[:-10],
            lambda _content: b"",
            lambda content: b"x" + content[1:],
            lambda content: content[:-500] + bytes(500),
            lambda content: content[:21] + b"\xff" + content[22:],
            lambda content: content.replace(b'"words": []', b'"words": [1]'),
            lambda content: content + b"more",
        ],
        ids=["cut", "empty", "other kind", "sound", "header", "words", "longer"],
    )
    def test_drops_a_damaged_file(self, cache, samples, damage) -> None:
        cache.store(KEY, samples, ())
        path = cache.path(KEY)
        path.write_bytes(damage(path.read_bytes()))

        assert cache.load(KEY) is None
        assert not path.exists()

    def test_leaves_no_part_of_a_file_when_the_disk_is_full(
        self, cache: SentenceCache, samples: np.ndarray, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)

        with pytest.raises(StorageFull, match="full"):
            cache.store(KEY, samples, ())

        assert [path for path in cache.directory.rglob("*") if path.is_file()] == []

    def test_shrinks_by_what_was_longest_unused(self, cache, samples) -> None:
        keys = [f"{number:02x}" + "0" * 62 for number in range(4)]
        for age, key in enumerate(keys):
            cache.store(key, samples, ())
            os.utime(cache.path(key), (1_000 + age, 1_000 + age))
        assert cache.has(keys[0])  # and so it is the last one used
        size = cache.path(keys[0]).stat().st_size

        removed = cache.shrink(largest_bytes=2 * size)

        assert removed == 2
        assert [cache.has(key) for key in keys] == [True, False, False, True]
