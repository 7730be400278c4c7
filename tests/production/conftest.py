"""Fixtures of the audio side: a catalogue of fake voices and renderers that several tests share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from accounts.models import Account
from keys.services import issue_first_key
from production.assembling import Watcher
from production.render_pool import RenderPool
from production.script import Chapter, PlacedSentence, Script, Segment, Sentence
from production.sentence_cache import SentenceCache
from production.voices.engines import EngineOptions
from production.voices.registry import VoiceCatalog


@pytest.fixture(scope="session")
def fake_options(tmp_path_factory: pytest.TempPathFactory) -> EngineOptions:
    return EngineOptions(chosen="fake", voices_dir=tmp_path_factory.mktemp("voices"))


@pytest.fixture(scope="session")
def catalog(fake_options: EngineOptions) -> VoiceCatalog:
    return VoiceCatalog(fake_options)


@pytest.fixture(scope="session")
def shared_renderers(
    fake_options: EngineOptions, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RenderPool]:
    """Two renderer processes for the whole session: starting them takes longer than most tests."""
    cache = SentenceCache(tmp_path_factory.mktemp("sentences"))
    pool = RenderPool(fake_options, cache, workers=2)
    yield pool
    pool.close()


@pytest.fixture
def watcher() -> Watcher:
    return Watcher(check=lambda: None, progress=lambda _done: None)


def script_of(*texts: str, voice: str = "high", title: str = "") -> Script:
    """A script of one chapter and one turn."""
    sentences = tuple(Sentence(text=text, spoken=text) for text in texts)
    return Script("en", (Chapter(title, (Segment("Reader", voice, sentences),)),))


def placed(*texts: str, voice: str = "high") -> list[PlacedSentence]:
    """The sentences of `script_of`."""
    return list(script_of(*texts, voice=voice).sentences())


@pytest.fixture(name="script_of")
def script_of_fixture():
    return script_of


@pytest.fixture(name="placed")
def placed_fixture():
    return placed


@pytest.fixture
def stranger(transactional_db: None, now: datetime) -> Account:
    """Another account, to which nothing of the owner's exists."""
    return issue_first_key(name="stranger", email=None, scopes=None, now=now).key.account
