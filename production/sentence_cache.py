"""Rendered sentences on disk: found again by what was said and how, checked when read, bounded in size."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import Upstream
from production.trimming import TRIMMING_VERSION
from production.voices.base import Samples, SpokenWord

Pcm = NDArray[np.int16]

_MAGIC = b"podwright sentence 1\n"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class StorageFull(Upstream):
    """No room for audio on the disk of DATA_DIR; once there is room, a retry helps."""

    code = "storage_full"


@dataclass(frozen=True, slots=True, eq=False)
class CachedSentence:
    """A sentence as 16-bit samples at trimming.SAMPLE_RATE; word places are in samples."""

    pcm: Pcm
    words: tuple[SpokenWord, ...]


def sentence_key(*, spoken: str, voice: str, fingerprint: str, speed: float, lexicon: str) -> str:
    """Name a rendering by all that decides how it sounds; `lexicon` is the digest of one, or ""."""
    facts = [TRIMMING_VERSION, spoken, voice, fingerprint, f"{speed:.4f}", lexicon]
    text = json.dumps(facts, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class SentenceCache:
    """Files in one directory. Any number of processes may share it: files appear whole or not."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, key: str) -> Path:
        """Say where the sentence `key` lies, or would."""
        return self.directory / key[:2] / key[2:]

    def load(self, key: str) -> CachedSentence | None:
        """Read a sentence; None if it is not there or its file is damaged (which is removed)."""
        path = self.path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return _decoded(content)
        except (ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            return None

    def store(self, key: str, samples: Samples, words: tuple[SpokenWord, ...]) -> None:
        """Write a sentence from float samples in [-1, 1]; raises StorageFull."""
        path = self.path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, _encoded(samples, words))
        except OSError as error:
            if error.errno in _FULL:
                raise StorageFull("The disk is full: no room for rendered speech.") from error
            raise

    def has(self, key: str) -> bool:
        """Tell cheaply whether a file is there, and mark it as in use."""
        try:
            os.utime(self.path(key))
        except FileNotFoundError:
            return False
        return True

    def shrink(self, *, largest_bytes: int) -> int:
        """Remove the longest unused sentences until `largest_bytes` are left; returns how many."""
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        removed = 0
        for _, size, path in entries:
            if total <= largest_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size
            removed += 1
        return removed

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        for path in self.directory.glob("??/*"):
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            yield facts.st_mtime, facts.st_size, path

    def _write(self, path: Path, content: bytes) -> None:
        descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            # No fsync: a file that power loss damaged fails its checksum and is rendered again.
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _encoded(samples: Samples, words: tuple[SpokenWord, ...]) -> bytes:
    body = (np.clip(samples, -1.0, 1.0) * 32_767).astype("<i2").tobytes()
    header = {
        "checksum": zlib.crc32(body),
        "bytes": len(body),
        "words": [[word.text, word.start, word.end] for word in words],
    }
    return _MAGIC + json.dumps(header).encode() + b"\n" + body


def _decoded(content: bytes) -> CachedSentence:
    if not content.startswith(_MAGIC):
        raise ValueError("not a sentence")
    header_end = content.index(b"\n", len(_MAGIC))
    header = json.loads(content[len(_MAGIC) : header_end])
    body = memoryview(content)[header_end + 1 :]
    if len(body) != header["bytes"] or zlib.crc32(body) != header["checksum"]:
        raise ValueError("damaged")
    words = tuple(
        SpokenWord(str(text), int(start), int(end)) for text, start, end in header["words"]
    )
    return CachedSentence(pcm=np.frombuffer(body, "<i2").astype(np.int16, copy=False), words=words)
