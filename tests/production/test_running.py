from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import mutagen
import pytest
import soundfile
import webvtt
from django.core.files.storage import default_storage
from mutagen.id3 import ID3

from accounts.models import Account
from core.models import StoredFile
from core.storage import GRACE, store_bytes
from episodes.files import sweep_files
from episodes.models import AudioAsset, Episode, EpisodeDocument
from episodes.states import ProductionState, Publication
from production import running
from production.assembling import assemble
from production.models import Production
from production.render_pool import RenderPool
from production.running import run_production, work_folder
from production.script import Chapter, Script, Segment, Sentence
from production.sentence_cache import StorageFull
from production.services import LEASE, MAX_ATTEMPTS, RETRY_AFTER, cancel_production, claim
from production.states import State
from production.sweeping import WORK_FILE_SECONDS, sweep_productions
from production.tasks import run_production_task, sweep_productions_task
from production.timeline import Timeline
from production.voices.base import EngineUnavailable
from shows.services import use_cover
from tests.factories.pictures import drawing
from tests.factories.productions import make_production

Clock = Callable[[], datetime]


@pytest.fixture(autouse=True)
def pool(shared_renderers: RenderPool, monkeypatch: pytest.MonkeyPatch) -> RenderPool:
    """The renderers of this session, instead of new ones for these tests."""
    monkeypatch.setattr(running, "renderers", lambda: shared_renderers)
    monkeypatch.setattr("production.sweeping.renderers", lambda: shared_renderers)
    return shared_renderers


@pytest.fixture
def clock(now: datetime) -> Clock:
    return lambda: now


@pytest.fixture
def script() -> Script:
    def chapter(title: str, *texts: str) -> Chapter:
        sentences = tuple(Sentence(text, text) for text in texts)
        return Chapter(title, (Segment("Ada", "high", sentences),))

    return Script(
        "en",
        (
            chapter("The library", "It was quiet.", "Nobody spoke & nobody coughed."),
            chapter("The morning", "Then the sun rose.", "Everybody left."),
        ),
    )


@pytest.fixture
def production(owner: Account, script: Script, now: datetime) -> Production:
    return make_production(owner, script, now=now)


def stored_files() -> set[str]:
    return set(StoredFile.objects.values_list("key", flat=True))


class TestRunProduction:
    def test_publishes_a_finished_episode(self, production, clock, now) -> None:
        assert run_production(production_id=production.pk, clock=clock)

        production.refresh_from_db()
        episode = Episode.objects.get()
        assert (production.state, production.percent) == (State.COMPLETE, 100)
        assert production.sentences_done == 4
        assert production.finished_at == now
        assert episode.production_state == ProductionState.COMPLETE
        assert episode.state == Publication.PUBLISHED
        assert episode.published_at == now
        assert [chapter["title"] for chapter in episode.chapters] == ["The library", "The morning"]

    def test_tags_the_audio_with_the_cover_of_the_show(self, production, clock, now) -> None:
        show = Episode.objects.get().show
        picture = drawing(1_400, kind="JPEG")
        key = store_bytes("covers/one/cover.jpg", picture, now=now)
        use_cover(account=show.account, show_id=show.pk, storage_key=key, size=9, now=now)

        run_production(production_id=production.pk, clock=clock)

        asset = AudioAsset.objects.get()
        with default_storage.open(asset.storage_key) as file:
            content = file.read()
        (cover,) = ID3(io.BytesIO(content)).getall("APIC")
        assert (cover.data, cover.mime) == (picture, "image/jpeg")
        assert len(picture) < asset.header_bytes < len(content)
        assert content[asset.header_bytes] == 0xFF

    def test_leaves_a_cover_out_that_is_gone(self, production, clock, now) -> None:
        show = Episode.objects.get().show
        use_cover(account=show.account, show_id=show.pk, storage_key="covers/x", size=9, now=now)

        assert run_production(production_id=production.pk, clock=clock)

        assert Episode.objects.get().production_state == ProductionState.COMPLETE

    def test_attaches_audio_as_it_really_is(self, production, clock) -> None:
        run_production(production_id=production.pk, clock=clock)

        episode = Episode.objects.get()
        asset = episode.asset
        with default_storage.open(asset.storage_key) as file:
            content = file.read()
        sound, rate = soundfile.read(io.BytesIO(content[asset.header_bytes :]))
        tag = ID3(io.BytesIO(content))
        assert len(content) == asset.bytes == episode.audio_length
        assert hashlib.sha256(content).hexdigest() == asset.sha256
        assert asset.mime_type == episode.audio_type == "audio/mpeg"
        assert len(sound) / rate == pytest.approx(asset.duration_seconds, abs=0.001)
        assert episode.duration_seconds == round(asset.duration_seconds)
        assert mutagen.File(io.BytesIO(content)).info.bitrate == 64_000
        assert str(tag["TIT2"]) == "An evening in the library"
        assert str(tag["TPE1"]) == "Ada Author"
        assert str(tag["TALB"]) == "Made here"
        assert len(tag.getall("CHAP")) == 2

    def test_attaches_documents_of_one_timeline(self, production, clock) -> None:
        run_production(production_id=production.pk, clock=clock)

        found = {}
        for document in EpisodeDocument.objects.all():
            with default_storage.open(document.storage_key) as file:
                found[document.kind] = file.read().decode()
            assert len(found[document.kind].encode()) == document.bytes
            assert document.language == "en"
        kinds = EpisodeDocument.Kind
        assert set(found) == set(kinds.values) - {kinds.SOURCE_FILE}
        timeline = Timeline.from_json(json.loads(found[kinds.TIMELINE_JSON]))
        cues = list(webvtt.from_string(found[kinds.TRANSCRIPT_VTT]))
        assert timeline.sentences[0].text == "It was quiet."
        assert timeline.duration == pytest.approx(AudioAsset.objects.get().duration_seconds)
        assert cues[-1].end_in_seconds <= timeline.duration
        chapters = json.loads(found[kinds.CHAPTERS_JSON])["chapters"]
        assert [chapter["startTime"] for chapter in chapters] == [
            pytest.approx(chapter.start, abs=0.002) for chapter in timeline.chapters
        ]

    def test_leaves_a_draft_when_not_asked_to_publish(self, owner, script, clock, now) -> None:
        production = make_production(owner, script, now=now, publish=False)

        run_production(production_id=production.pk, clock=clock)

        episode = Episode.objects.get()
        assert episode.state == Publication.DRAFT
        assert episode.production_state == ProductionState.COMPLETE

    def test_does_nothing_the_second_time(self, production, clock) -> None:
        run_production(production_id=production.pk, clock=clock)
        files = stored_files()

        assert not run_production(production_id=production.pk, clock=clock)
        assert stored_files() == files
        assert AudioAsset.objects.count() == 1

    def test_does_nothing_for_what_is_gone(self, production, clock) -> None:
        assert not run_production(production_id=production.pk + 1, clock=clock)

    def test_leaves_no_work_file_behind(self, production, clock) -> None:
        run_production(production_id=production.pk, clock=clock)

        assert list(work_folder().iterdir()) == []

    def test_fails_with_the_sentence_that_cannot_be_spoken(
        self, owner, script_of, clock, now, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        production = make_production(owner, script_of("Fine.", "١٢٣ ٤٥٦"), now=now)
        monkeypatch.setattr(running, "assemble", refusing_second_sentence)

        run_production(production_id=production.pk, clock=clock)

        production.refresh_from_db()
        episode = Episode.objects.get()
        assert production.state == State.FAILED
        assert production.error_code == "sentence_unspeakable"
        assert "Sentence 2" in production.error_message
        assert "١٢٣" in episode.error_message
        assert episode.production_state == ProductionState.FAILED
        assert episode.asset is None
        assert stored_files() == set()


def refusing_second_sentence(script: Script, **options: object) -> object:
    """Assemble with a second sentence that no engine can speak."""
    segment = script.chapters[0].segments[0]
    first, second = segment.sentences
    broken = Segment(segment.speaker, segment.voice, (first, Sentence(second.text, "…")))
    return assemble(Script(script.language, (Chapter("", (broken,)),)), **options)


class TestInterruptedRuns:
    def test_end_quietly_when_the_episode_is_deleted(
        self, production, clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def deleting(*arguments: object, **options: object) -> object:
            audio = assemble(*arguments, **options)
            Episode.objects.all().delete()
            return audio

        monkeypatch.setattr(running, "assemble", deleting)
        monkeypatch.setattr(running._Beat, "enter", lambda *_: None)

        assert run_production(production_id=production.pk, clock=clock)

        assert not Production.objects.exists()
        assert not AudioAsset.objects.exists()
        assert stored_files() == set()
        assert list(work_folder().iterdir()) == []

    def test_end_quietly_when_cancelled(
        self, owner, production, clock, now, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def cancelling(*arguments: object, **options: object) -> object:
            cancel_production(account=owner, episode_id=production.episode_id, now=now)
            return assemble(*arguments, **options)

        monkeypatch.setattr(running, "assemble", cancelling)
        monkeypatch.setattr(running, "BEAT_SECONDS", 0.0)

        run_production(production_id=production.pk, clock=clock)

        production.refresh_from_db()
        assert production.state == State.CANCELLED
        assert Episode.objects.get().asset is None
        assert stored_files() == set()

    def test_lose_to_the_worker_that_took_over(
        self, production, clock, now, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The slow first run finds at its end that the production is complete."""
        late = now + LEASE

        def overtaken(*arguments: object, **options: object) -> object:
            monkeypatch.setattr(running, "assemble", assemble)
            assert run_production(production_id=production.pk, clock=lambda: late)
            return assemble(*arguments, **options)

        monkeypatch.setattr(running, "assemble", overtaken)
        monkeypatch.setattr(running._Beat, "enter", lambda *_: None)

        run_production(production_id=production.pk, clock=clock)

        production.refresh_from_db()
        assert production.state == State.COMPLETE
        assert production.finished_at == late
        assert AudioAsset.objects.count() == 1
        owned = {AudioAsset.objects.get().storage_key} | set(
            EpisodeDocument.objects.values_list("storage_key", flat=True)
        )
        assert stored_files() == owned

    def test_render_nothing_again_after_a_kill(
        self, production, clock, now, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            """As kill -9: nothing of ours handles it."""

        def killed(*_: object, **__: object) -> object:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(running, "store_production", killed)
            with pytest.raises(Killed):
                run_production(production_id=production.pk, clock=clock)
        assert not run_production(production_id=production.pk, clock=clock)

        run_production(production_id=production.pk, clock=lambda: now + LEASE)

        production.refresh_from_db()
        assert production.state == State.COMPLETE
        assert production.sentences_rendered == 0
        assert production.attempts == 2
        assert Episode.objects.count() == 1

    def test_leave_files_that_the_sweep_finds(
        self, production, clock, now, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            """As kill -9 between storing and attaching."""

        def killed(*_: object, **__: object) -> object:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(running, "_attach", killed)
            with pytest.raises(Killed):
                run_production(production_id=production.pk, clock=clock)
        lost = stored_files()
        assert lost

        run_production(production_id=production.pk, clock=lambda: now + LEASE)
        sweep_files(now=now + GRACE + LEASE)

        assert not lost & stored_files()
        assert not any(default_storage.exists(key) for key in lost)
        assert default_storage.exists(AudioAsset.objects.get().storage_key)

    def test_give_back_at_once_when_the_worker_shuts_down(
        self, production, clock, now, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        running._shutting_down.set()
        try:
            run_production(production_id=production.pk, clock=clock)
        finally:
            running._shutting_down.clear()

        production.refresh_from_db()
        assert (production.state, production.attempts) == (State.WAITING, 0)
        assert production.due_at == now

    def test_are_tried_again_later_when_it_may_help(
        self, production, now, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object, **__: object) -> object:
            raise EngineUnavailable("The voice server is away.")

        monkeypatch.setattr(running, "assemble", away)
        times = [now]
        for pause in RETRY_AFTER:
            run_production(production_id=production.pk, clock=lambda: times[0])
            production.refresh_from_db()
            assert production.state == State.WAITING
            assert production.due_at == times[0] + pause
            times[0] = production.due_at
        run_production(production_id=production.pk, clock=lambda: times[0])

        production.refresh_from_db()
        assert production.state == State.FAILED
        assert Episode.objects.get().error_message == "The voice server is away."

    @pytest.mark.parametrize(
        "error",
        [StorageFull("The disk is full."), OSError(errno.ENOSPC, "No space left on device")],
    )
    def test_say_that_the_disk_is_full(
        self, production, clock, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        def full(*_: object, **__: object) -> object:
            raise error

        monkeypatch.setattr(running, "store_production", full)

        run_production(production_id=production.pk, clock=clock)

        production.refresh_from_db()
        assert production.state == State.WAITING
        assert production.error_code == "storage_full"
        assert Episode.objects.get().asset is None
        assert list(work_folder().iterdir()) == []

    def test_end_for_good_when_they_never_say_why(self, production, clock) -> None:
        Production.objects.update(attempts=MAX_ATTEMPTS)

        run_production(production_id=production.pk, clock=clock)

        production.refresh_from_db()
        assert production.state == State.FAILED
        assert production.error_code == "production_broke"

    def test_survive_a_bug(self, production, clock, monkeypatch: pytest.MonkeyPatch) -> None:
        def buggy(*_: object, **__: object) -> object:
            raise KeyError("a bug")

        monkeypatch.setattr(running, "assemble", buggy)

        assert run_production(production_id=production.pk, clock=clock)

        production.refresh_from_db()
        assert production.error_code == "production_broke"
        assert "a bug" not in production.error_message

    def test_keep_their_lease_through_a_slow_upload(
        self, production, now, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        times = [now]
        original = running.store_production

        def slow(*arguments: object, **options: object) -> object:
            before = Production.objects.get().lease_until
            times[0] = now + timedelta(seconds=20)
            deadline = time.monotonic() + 100
            while Production.objects.get().lease_until == before:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            return original(*arguments, **options)

        monkeypatch.setattr(running, "BEAT_SECONDS", 0.05)
        monkeypatch.setattr(running, "store_production", slow)

        run_production(production_id=production.pk, clock=lambda: times[0])

        production.refresh_from_db()
        assert production.state == State.COMPLETE


class TestSlots:
    def test_are_limited_and_left_over_work_is_rung_for(
        self, owner, script, clock, now, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rung: list[int] = []
        monkeypatch.setattr(
            running, "enqueue", lambda _name, production_id: rung.append(production_id)
        )
        first = make_production(owner, script, now=now)
        second = make_production(owner, script, now=now)
        taken = 0
        while running._slots.acquire(blocking=False):
            taken += 1
        try:
            assert not run_production(production_id=first.pk, clock=clock)
        finally:
            for _ in range(taken):
                running._slots.release()

        assert run_production(production_id=first.pk, clock=clock)
        assert rung == [second.pk]


class TestSweepProductions:
    @pytest.fixture
    def rung(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        calls: list[int] = []
        monkeypatch.setattr(
            "production.sweeping.enqueue", lambda _name, production_id: calls.append(production_id)
        )
        return calls

    def test_rings_for_what_waits_and_what_was_abandoned(
        self, owner, script, now, rung: list[int]
    ) -> None:
        waiting = make_production(owner, script, now=now)
        abandoned = make_production(owner, script, now=now - LEASE)
        held = make_production(owner, script, now=now)
        claim(production_id=abandoned.pk, now=now - LEASE)
        claim(production_id=held.pk, now=now)

        sweep_productions(now=now)

        assert sorted(rung) == sorted([waiting.pk, abandoned.pk])

    def test_removes_old_work_files_only(self, transactional_db, now, rung: list[int]) -> None:
        old, new = work_folder() / "1-old.mp3", work_folder() / "2-new.mp3"
        for path in (old, new):
            path.write_bytes(b"x")
        long_ago = time.time() - WORK_FILE_SECONDS - 60
        os.utime(old, (long_ago, long_ago))

        sweep_productions(now=now)

        assert [path.name for path in work_folder().iterdir()] == ["2-new.mp3"]
        Path(new).unlink()


class TestTasks:
    def test_run_and_sweep_by_name(self, production) -> None:
        assert run_production_task.name == "production.run"
        assert sweep_productions_task.name == "production.sweep"

        run_production_task(production_id=production.pk, sent_by="an older release")

        production.refresh_from_db()
        assert production.state == State.COMPLETE
        sweep_productions_task(extra=1)
