"""What a real worker does with our Celery application."""

from __future__ import annotations

import pytest
import structlog
from celery import shared_task, signals
from celery.contrib.testing.worker import start_worker

from config.celery import SWEEPS, app
from core.queue import enqueue
from tests.flows.running import PATIENCE_SECONDS, wait_until

seen: list[dict[str, object]] = []


@shared_task(name="tests.config.remember")
def remember(**ids: object) -> None:
    """Keep what it was called with, and what a log line would hold."""
    seen.append({**ids, **structlog.contextvars.get_contextvars()})


@pytest.fixture
def _worker(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr("config.celery.SWEEPS", ())
    seen.clear()
    # Bells of other tests, whose rows are gone; that of webhooks would start what outlives this worker.
    app.control.purge()
    patience = {"shutdown_timeout": PATIENCE_SECONDS}
    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, **patience):
        yield
    structlog.contextvars.clear_contextvars()


@pytest.mark.slow
@pytest.mark.usefixtures("_worker")
class TestWorker:
    def test_binds_the_request_id_of_whoever_rang(self) -> None:
        with structlog.contextvars.bound_contextvars(request_id="a-request"):
            enqueue("tests.config.remember", episode_id=7)
        wait_until(lambda: len(seen) == 1)

        assert seen[0]["episode_id"] == 7
        assert seen[0]["request_id"] == "a-request"
        assert seen[0]["task"] == "tests.config.remember"
        assert seen[0]["task_id"]

    def test_takes_no_request_id_from_the_task_before(self) -> None:
        with structlog.contextvars.bound_contextvars(request_id="a-request"):
            for _ in range(4):
                enqueue("tests.config.remember")
        wait_until(lambda: len(seen) == 4)

        for _ in range(4):
            enqueue("tests.config.remember")
        wait_until(lambda: len(seen) == 8)

        assert all("request_id" not in one for one in seen[4:])


class TestStart:
    def test_rings_for_every_sweep_and_once_more_after_the_leases(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rung: list[str] = []
        monkeypatch.setattr("config.celery.enqueue", rung.append)
        monkeypatch.setattr("config.celery.SECOND_LOOK_SECONDS", 0.1)

        signals.worker_ready.send(sender=None)

        assert rung[: len(SWEEPS)] == list(SWEEPS)
        wait_until(lambda: rung == [*SWEEPS, *SWEEPS])


class TestClock:
    def test_rings_for_the_schedule_every_few_seconds_and_for_all_else_every_minute(self) -> None:
        seconds = {name: entry["schedule"] for name, entry in app.conf.beat_schedule.items()}

        assert seconds.pop("episodes.publish_due") == 5
        assert set(seconds.values()) == {60}
