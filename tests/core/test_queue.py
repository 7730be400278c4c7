"""Ringing the bell: after commit only, by registered names only, and never at a request's cost."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import current_app, shared_task
from celery.exceptions import NotRegistered
from django.db import transaction

from config.celery import app, broker_settings
from core.queue import enqueue
from tests.ports import free_port


@shared_task(name="tests.core.nothing")
def nothing(**_: object) -> None:
    """A task that exists."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    calls: list[dict[str, object]] = []
    task = current_app.tasks["tests.core.nothing"]
    monkeypatch.setattr(task, "apply_async", lambda *, kwargs: calls.append(kwargs))
    return calls


@pytest.fixture
def publish_to(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Have the application publish to another address."""

    def point(url: str) -> None:
        settings = broker_settings(Path(), url)
        monkeypatch.setitem(app.conf, "broker_write_url", url)
        monkeypatch.setitem(
            app.conf, "broker_transport_options", settings["broker_transport_options"]
        )
        app.amqp._producer_pool = None

    yield point
    app.amqp._producer_pool = None


class TestEnqueue:
    def test_sends_after_the_commit(
        self, transactional_db: None, sent: list[dict[str, object]]
    ) -> None:
        with transaction.atomic():
            enqueue("tests.core.nothing", episode_id=1)
            during = list(sent)

        assert during == []
        assert sent == [{"episode_id": 1}]

    def test_sends_nothing_after_a_rollback(
        self, transactional_db: None, sent: list[dict[str, object]]
    ) -> None:
        with transaction.atomic():
            enqueue("tests.core.nothing", episode_id=1)
            transaction.set_rollback(True)

        assert sent == []

    def test_refuses_a_name_that_no_task_has(self, transactional_db: None) -> None:
        with pytest.raises(NotRegistered):
            enqueue("tests.core.missing")

    def test_a_dead_broker_is_no_error(
        self,
        transactional_db: None,
        publish_to: Callable[[str], None],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        publish_to(f"redis://127.0.0.1:{free_port()}/0")

        enqueue("tests.core.nothing")

        assert "bell_not_rung" in caplog.text

    @pytest.mark.timeout(100)
    def test_a_broker_that_never_answers_does_not_hold_the_caller(
        self,
        transactional_db: None,
        publish_to: Callable[[str], None],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(1)
            publish_to(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")

            enqueue("tests.core.nothing")

        assert "bell_not_rung" in caplog.text
