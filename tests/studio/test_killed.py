"""`kill -9` in the middle of the Studio's work: it goes on, once, or fails with nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from billing.services import episode_usage
from config.env import BASE_DIR
from episodes.files import sweep_files
from episodes.models import AudioAsset, Episode
from production.models import Production
from production.services import LEASE as PRODUCTION_LEASE
from production.sweeping import sweep_productions
from studio.generating import PLAN_LEASE, drop_broken_plans
from studio.making import LEASE
from studio.models import Generation, GenerationRequest, StudioPodcast
from tests.fakes.model_server import run_model_server

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 150
#: How a worker that has just spoken the first sentence goes on: nobody comes too late to kill it.
HANG = "progress = lambda *_: time.sleep(600)"
MAKE = "from studio import making; making.make_episode(generation_id={key}, clock=timezone.now)"
MAKE_SLOWLY = f"from studio import making; making._Lease.{HANG}; {MAKE}"
RUN_SLOWLY = (
    f"from production import running; running._Beat.{HANG}; "
    "running.run_production(production_id={key}, clock=timezone.now)"
)
PLAN = (
    "from accounts.models import Account; from tests.factories.studio import add_studio; "
    "add_studio(Account.objects.get(pk={key}), now=timezone.now())"
)


def database_url() -> str:
    """The address of this test's own database."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return os.environ["DATABASE_URL"].replace("/postgres?", f"/{name}?")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the awaited did not happen"
        time.sleep(0.02)


@contextmanager
def worker(code: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that does one thing on this test's database, and is killed at the end."""
    setup = "import django, time; django.setup(); from django.utils import timezone; "
    process = subprocess.Popen(
        [sys.executable, "-c", f"{setup}{code}"],
        cwd=BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url(), **environment},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def server():
    with run_model_server() as running:
        yield running


@pytest.fixture
def model(server, settings) -> dict[str, str]:
    """Settings for a model server, here and for processes."""
    chosen = {"WRITER": "openai", "LLM_BASE_URL": server.address, "LLM_MODEL": "m"}
    for name, value in chosen.items():
        setattr(settings, name, value)
    return chosen


@pytest.fixture
def generation(owner_client, podcast) -> Generation:
    """An episode that waits to be written, a minute long."""
    body = {"prompt": "Rivers", "options": {"length_minutes": 1}}
    path = f"/v1/podcasts/{podcast['id']}/episodes/generate"
    assert owner_client.post(path, body, format="json").status_code == 202
    return Generation.objects.get()


@pytest.fixture
def assert_finished_once(owner, work):
    """Lets the lease of the killed one run out, has the work done, and looks at what came of it."""

    def finish() -> None:
        later = max(LEASE, PRODUCTION_LEASE) + timedelta(seconds=1)
        work(clock=lambda: timezone.now() + later)

        episode = Episode.objects.get()
        assert episode.production_state == "complete", episode.error_message
        assert Generation.objects.get().state == "complete"
        assert episode_usage(owner, now=timezone.now()).used == 1
        sweep_files(now=timezone.now() + timedelta(days=1))
        assert AudioAsset.objects.count() == 1
        work_files = Path(django_settings.DATA_DIR, "work")
        # What the killed one may have begun goes when it is old.
        for begun in work_files.glob("*.mp3"):
            os.utime(begun, (0, 0))
        sweep_productions(now=timezone.now())
        assert list(work_files.glob("*.mp3")) == []

    return finish


def test_while_a_series_is_planned_nothing_is_made_and_nothing_charged(owner, server, model, hosts):
    server.go_on.clear()
    with worker(PLAN.format(key=owner.pk), **model) as process:
        wait_until(server.arrived.is_set)
        process.kill()
        process.wait()

    assert GenerationRequest.objects.get().is_planning
    assert drop_broken_plans(now=timezone.now() + PLAN_LEASE) == 1
    assert not Episode.objects.exists()
    assert not StudioPodcast.objects.exists()
    assert episode_usage(owner, now=timezone.now()).used == 0


def test_while_the_script_is_written(server, model, generation, assert_finished_once):
    server.go_on.clear()
    with worker(MAKE.format(key=generation.pk), **model) as process:
        wait_until(server.arrived.is_set)
        process.kill()
        process.wait()
    generation.refresh_from_db()
    assert (generation.state, generation.draft) == ("writing", {})
    server.go_on.set()

    assert_finished_once()


def test_while_the_script_is_spoken_and_the_model_is_not_asked_again(
    server, model, generation, assert_finished_once
):
    with worker(MAKE_SLOWLY.format(key=generation.pk), **model) as process:
        wait_until(lambda: Generation.objects.filter(phase="voices").exists())
        process.kill()
        process.wait()
    asked = len(server.asked)
    generation.refresh_from_db()
    assert generation.draft

    assert_finished_once()

    assert len(server.asked) == asked


def test_while_the_audio_is_made(generation, work, assert_finished_once):
    work(productions=False)
    (production,) = Production.objects.all()
    with worker(RUN_SLOWLY.format(key=production.pk)) as process:
        wait_until(lambda: Production.objects.filter(state="running").exists())
        process.kill()
        process.wait()

    assert_finished_once()

    assert Production.objects.get().attempts == 2
