from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from production.render_pool import RenderPool, Ticket, close_shared_pools, shared_pool
from production.renderer_process import (
    DONE,
    STORAGE,
    UNAVAILABLE,
    UNSPEAKABLE,
    Outcome,
    SentenceJob,
    render_job,
)
from production.rendering import Renderer
from production.sentence_cache import SentenceCache, StorageFull
from production.voices.base import EngineUnavailable, SentenceUnspeakable, Speech, VoiceUnknown
from production.voices.engines import EngineOptions
from production.voices.fake import FakeEngine
from production.voices.openai import OpenAIEngine
from production.voices.registry import VoiceCatalog
from tests.fakes.voice_server import run_voice_server
from tests.flows.running import living


@pytest.fixture
def renderer(catalog: VoiceCatalog, shared_renderers: RenderPool) -> Renderer:
    return Renderer(catalog=catalog, pool=shared_renderers)


def never() -> None:
    """A check that never stops anything."""


class Stop(Exception):
    """What a check raises in these tests."""


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def wait_until(condition, seconds: float = 100.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


class TestRender:
    def test_yields_all_sentences_in_order(self, renderer: Renderer, placed) -> None:
        texts = [f"Sentence {n}" + " with more words" * (n % 7) for n in range(40)]

        rendered = list(renderer.render(placed(*texts), check=never))

        assert [one.placed.sentence.text for one in rendered] == texts
        lengths = [len(one.speech.pcm) for one in rendered]
        assert lengths[6] > 3 * lengths[0]
        assert all(one.speech.words for one in rendered)

    def test_renders_nothing_twice(self, renderer: Renderer, placed) -> None:
        sentences = placed("Only once.", "And this.")
        first = list(renderer.render(sentences, check=never))

        second = list(renderer.render(sentences, check=never))

        assert [one.cached for one in first] == [False, False]
        assert [one.cached for one in second] == [True, True]
        assert (first[0].speech.pcm == second[0].speech.pcm).all()

    @pytest.mark.parametrize("change", [{"speed": 1.5}, {"lexicon": "other"}])
    def test_renders_anew_what_sounds_different(
        self, renderer: Renderer, catalog, shared_renderers, placed, change
    ) -> None:
        list(renderer.render(placed("Heard differently."), check=never))

        other = Renderer(catalog=catalog, pool=shared_renderers, **change)

        assert not next(other.render(placed("Heard differently."), check=never)).cached

    def test_mends_a_damaged_cache(self, renderer: Renderer, shared_renderers, placed) -> None:
        sentences = placed("This one will be damaged.")
        whole = next(renderer.render(sentences, check=never)).speech
        # Not what a test before this one left under way, whose names end otherwise.
        for path in shared_renderers.cache.directory.glob("??/*[0-9a-f]"):
            path.write_bytes(path.read_bytes()[:-4])

        mended = next(renderer.render(sentences, check=never))

        assert not mended.cached
        assert (mended.speech.pcm == whole.pcm).all()

    def test_names_the_sentence_that_cannot_be_spoken(self, renderer: Renderer, placed) -> None:
        sentences = placed("Fine.", "☃ ☃ ☃", "Never reached.")
        rendered = renderer.render(sentences, check=never)

        assert next(rendered).placed.index == 0
        with pytest.raises(SentenceUnspeakable, match="Sentence 2 cannot") as refusal:
            next(rendered)
        assert refusal.value.index == 1
        assert refusal.value.details["sentence"] == "☃ ☃ ☃"

    def test_refuses_an_unknown_voice_before_rendering(self, renderer: Renderer, placed) -> None:
        with pytest.raises(VoiceUnknown):
            renderer.render(placed("Hello.", voice="nobody"), check=never)

    def test_ends_when_the_check_says_so(self, renderer: Renderer, placed) -> None:
        calls: list[int] = []

        def check() -> None:
            calls.append(1)
            if len(calls) == 5:
                raise Stop

        rendered = []
        with pytest.raises(Stop):
            rendered.extend(
                renderer.render(placed(*(f"Text {n}." for n in range(50))), check=check)
            )
        assert len(calls) == 5

    def test_keeps_only_a_few_sentences_under_way(
        self, catalog, fake_options, tmp_path: Path, placed
    ) -> None:
        counting = CountingPool(fake_options, SentenceCache(tmp_path), workers=2)
        sentences = placed(*(f"Many {n}." for n in range(60)))
        rendered = Renderer(catalog=catalog, pool=counting).render(sentences, check=never)

        next(rendered)
        submitted = counting.submitted
        counting.close()

        assert 4 <= submitted <= 10

    def test_serves_short_work_while_long_work_runs(
        self, catalog, fake_options, tmp_path: Path, placed
    ) -> None:
        counting = CountingPool(fake_options, SentenceCache(tmp_path), workers=2)
        renderer = Renderer(catalog=catalog, pool=counting)
        long = renderer.render(placed(*(f"Long {n}." for n in range(500))), check=never)
        next(long)

        short = list(renderer.render(placed("Short one.", "Short two."), check=never))
        waited_for = counting.submitted
        counting.close()

        assert len(short) == 2
        assert waited_for < 30

    @pytest.mark.parametrize(
        ("outcome", "refusal"),
        [
            (Outcome(STORAGE, "full"), StorageFull),
            (Outcome(UNAVAILABLE, "server gone"), EngineUnavailable),
        ],
    )
    def test_passes_on_what_a_renderer_met(
        self, catalog, fake_options, tmp_path: Path, placed, outcome, refusal
    ) -> None:
        class Failing(RenderPool):
            def submit(self, job, engine):
                threads = self._thread_pool()
                return Ticket(threads.submit(lambda: outcome), threads)

        pool = Failing(fake_options, SentenceCache(tmp_path), workers=1)

        with pytest.raises(refusal, match=outcome.message):
            next(Renderer(catalog=catalog, pool=pool).render(placed("Hello."), check=never))
        pool.close()


class TestRenderJob:
    JOB = SentenceJob("ab" * 32, "Some words here.", "high", "fake", 1.0)

    def job_with(self, tmp_path: Path, error: Exception | None = None) -> Outcome:
        class Engine(FakeEngine):
            def render(self, spoken: str, **options: object) -> Speech:
                if error is not None:
                    raise error
                return super().render(spoken, voice="high")

        return render_job(self.JOB, engine=Engine(), cache=SentenceCache(tmp_path))

    def test_keeps_the_trimmed_sentence(self, tmp_path: Path) -> None:
        assert self.job_with(tmp_path) == DONE

        kept = SentenceCache(tmp_path).load(self.JOB.key)
        assert kept is not None
        raw = FakeEngine().render(self.JOB.spoken, voice="high")
        assert 0.5 * len(raw.samples) < len(kept.pcm) < len(raw.samples)

    @pytest.mark.parametrize(
        ("error", "problem"),
        [
            (SentenceUnspeakable("x", reason="why"), UNSPEAKABLE),
            (EngineUnavailable("gone"), UNAVAILABLE),
            (StorageFull("full"), STORAGE),
            (MemoryError(), UNAVAILABLE),
            (OSError(5, "Input/output error"), UNAVAILABLE),
            (ZeroDivisionError("of foreign code"), UNAVAILABLE),
        ],
    )
    def test_tells_every_failure_in_words(self, tmp_path: Path, error, problem: str) -> None:
        outcome = self.job_with(tmp_path, error)

        assert outcome.problem == problem
        assert outcome.message
        assert pickle.loads(pickle.dumps(outcome)) == outcome  # noqa: S301 - our own bytes


class CountingPool(RenderPool):
    """Counts what is handed to the renderers."""

    submitted = 0

    def submit(self, job, engine):
        self.submitted += 1
        return super().submit(job, engine)


@pytest.mark.slow
class TestRenderPool:
    @pytest.fixture
    def pool(self, fake_options: EngineOptions, tmp_path: Path):
        pool = RenderPool(fake_options, SentenceCache(tmp_path / "cache"), workers=2)
        yield pool
        pool.close()

    def test_goes_on_when_a_renderer_is_killed(self, pool, catalog, placed) -> None:
        before = children()
        sentences = placed(*(f"Sentence number {n}." for n in range(60)))
        rendered = Renderer(catalog=catalog, pool=pool).render(sentences, check=never)
        seen = [next(rendered)]
        for pid in renderer_pids(children() - before):
            os.kill(pid, signal.SIGKILL)

        seen += rendered

        assert [one.placed.index for one in seen] == list(range(60))

    def test_gives_up_on_a_sentence_that_kills_its_renderer(
        self, pool, catalog, placed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tickets: list[int] = []

        def deadly(_job, _engine):
            tickets.append(1)
            processes = pool._process_pool()
            return Ticket(processes.submit(os._exit, 1), processes)

        monkeypatch.setattr(pool, "submit", deadly)

        with pytest.raises(EngineUnavailable, match="Sentence 1 was not rendered"):
            list(Renderer(catalog=catalog, pool=pool).render(placed("Deadly."), check=never))
        assert len(tickets) == 3

    def test_replaces_a_renderer_that_does_not_answer(
        self, pool, catalog, placed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = children()
        renderer = Renderer(catalog=catalog, pool=pool)
        list(renderer.render(placed("Warm."), check=never))
        for pid in renderer_pids(children() - before):
            os.kill(pid, signal.SIGSTOP)
        monkeypatch.setattr("production.rendering.CHECK_EVERY_SECONDS", 0.1)
        monkeypatch.setattr("production.rendering.STUCK_SECONDS", 1.0)
        replace = pool.replace

        def replace_and_be_patient(executor, *, kill=False):
            monkeypatch.setattr("production.rendering.STUCK_SECONDS", 200.0)
            replace(executor, kill=kill)

        monkeypatch.setattr(pool, "replace", replace_and_be_patient)
        rendered = list(renderer.render(placed("Stuck at first."), check=never))

        assert len(rendered) == 1

    def test_leaves_renderers_alone_that_are_busy_with_the_work_before(
        self, pool, catalog, placed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        renderer = Renderer(catalog=catalog, pool=pool)
        list(renderer.render(placed("Warm."), check=never))
        processes = pool._processes
        monkeypatch.setattr("production.rendering.CHECK_EVERY_SECONDS", 0.1)
        monkeypatch.setattr("production.rendering.STUCK_SECONDS", 2.0)
        before = [processes.submit(time.sleep, 0.15) for _ in range(40)]

        def be_patient_at_the_end():
            # The sentence itself may take its time on a slow machine.
            if before[-8].done():
                monkeypatch.setattr("production.rendering.STUCK_SECONDS", 200.0)

        rendered = list(renderer.render(placed("Patient."), check=be_patient_at_the_end))

        assert len(rendered) == 1
        assert pool._processes is processes

    def test_ends_idle_renderers_and_starts_them_again(self, pool, catalog, placed) -> None:
        before = children()
        renderer = Renderer(catalog=catalog, pool=pool)
        list(renderer.render(placed("Before the rest."), check=never))
        assert not pool.rest(idle_seconds=3_600.0)

        assert pool.rest(idle_seconds=0.0)

        assert wait_until(lambda: not renderer_pids(children() - before))
        assert len(list(renderer.render(placed("After the rest."), check=never))) == 1

    def test_refuses_work_once_closed(self, pool, catalog, placed) -> None:
        pool.close()

        with pytest.raises(EngineUnavailable, match="shut down"):
            Renderer(catalog=catalog, pool=pool).render(placed("Too late."), check=never)

    def test_is_shared_by_all_that_ask_for_the_same(self, fake_options, tmp_path: Path) -> None:
        first = shared_pool(fake_options, tmp_path, workers=1)

        assert shared_pool(fake_options, tmp_path, workers=1) is first

        close_shared_pools()
        assert shared_pool(fake_options, tmp_path, workers=1) is not first
        close_shared_pools()

    def test_leaves_no_renderer_behind_when_its_parent_is_killed(self, tmp_path: Path) -> None:
        program = textwrap.dedent(
            """
            import sys, time
            from pathlib import Path
            from production.render_pool import RenderPool
            from production.renderer_process import SentenceJob
            from production.sentence_cache import SentenceCache
            from production.voices.engines import EngineOptions, make_engine

            if __name__ == "__main__":
                folder = Path(sys.argv[1])
                options = EngineOptions(chosen="fake", voices_dir=folder)
                pool = RenderPool(options, SentenceCache(folder), workers=2)
                engine = make_engine("fake", options)
                jobs = [SentenceJob(f"ab{n}", f"Text {n}.", "high", "fake", 1.0) for n in range(4)]
                tickets = [pool.submit(job, engine) for job in jobs]
                print([ticket.future.result().problem for ticket in tickets], flush=True)
                time.sleep(60)
            """
        )
        script = tmp_path / "parent.py"
        script.write_text(program)
        parent = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        assert parent.stdout is not None
        parent.stdout.readline()
        family = psutil.Process(parent.pid).children(recursive=True)

        parent.kill()
        parent.wait()
        parent.stdout.close()

        assert len(family) >= 2
        assert wait_until(lambda: not living(family))


class TestRemoteEngine:
    def test_is_asked_from_threads_not_processes(self, tmp_path: Path, placed) -> None:
        with run_voice_server() as server:
            options = EngineOptions(chosen="openai", voices_dir=tmp_path, base_url=server.address)
            pool = RenderPool(options, SentenceCache(tmp_path), workers=1)
            before = children()
            texts = [f"Remote {n}." for n in range(12)]

            rendered = list(
                Renderer(catalog=VoiceCatalog(options), pool=pool).render(
                    placed(*texts, voice="nova"), check=never
                )
            )
            pool.close()

        assert [one.placed.sentence.text for one in rendered] == texts
        assert sorted(str(asked["input"]) for asked in server.asked) == sorted(texts)
        assert children() <= before
        assert OpenAIEngine.remote


def renderer_pids(pids: set[int]) -> list[int]:
    """Those of `pids` that are renderers, not the resource tracker of multiprocessing."""
    found = []
    for pid in pids:
        try:
            command = " ".join(psutil.Process(pid).cmdline())
        except psutil.Error:
            continue
        if "spawn_main" in command:
            found.append(pid)
    return found
