"""Tests of how changes reach processes that nobody told."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from core import changes
from feeds import watching
from feeds.watching import WINDOW, Watcher
from shows.services import delete_show, update_show


@pytest.fixture
def told(monkeypatch):
    """Of which shows this machine was told."""
    heard = []
    monkeypatch.setattr(changes, "RECEIVERS", [heard.append])
    return heard


def wait_for(condition):
    deadline = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < deadline, "It did not happen."
        time.sleep(0.02)


def someone_listens():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN %'"
        )
        return cursor.fetchone() is not None


@pytest.fixture
def untold(monkeypatch):
    """Changes as if made by a process that was killed before it could tell."""
    monkeypatch.setattr("shows.services.announce_change", lambda _show_id: None)


class TestLook:
    def test_tells_of_each_change_once(self, owner, show, untold, told, now):
        watcher = Watcher()
        watcher.look(now=now)
        told.clear()

        update_show(account=owner, show_id=show.pk, changes={"title": "a"}, now=now)
        assert watcher.look(now=now) == 1
        assert watcher.look(now=now) == 0
        # The same instant: the revision tells the two apart.
        update_show(account=owner, show_id=show.pk, changes={"title": "b"}, now=now)
        assert watcher.look(now=now) == 1

        assert told == [show.pk, show.pk]

    def test_tells_of_a_show_that_is_gone(self, owner, show, untold, told, now):
        watcher = Watcher()
        watcher.look(now=now)
        told.clear()

        delete_show(account=owner, show_id=show.pk, now=now)
        watcher.look(now=now)
        watcher.look(now=now)

        assert told == [show.pk]

    def test_goes_back_far_enough_for_slow_transactions_and_no_further(self, show, told, now):
        assert Watcher().look(now=now + WINDOW - timedelta(seconds=1)) == 1
        assert Watcher().look(now=now + WINDOW) == 0

    def test_costs_two_queries(self, show, now, django_assert_num_queries):
        with django_assert_num_queries(2):
            Watcher().look(now=now)


class TestThread:
    @pytest.fixture
    def watch(self, tmp_path, transactional_db):
        """Starts watchers as of several processes; they end with the test."""
        ended = threading.Event()
        threads = []

        def start():
            thread = threading.Thread(
                target=watching._watch,
                args=(tmp_path / "watcher.lock",),
                kwargs={"ended": ended.is_set},
            )
            threads.append(thread)
            thread.start()

        yield start
        ended.set()
        for thread in threads:
            thread.join(100)
        assert not any(thread.is_alive() for thread in threads)

    def test_sees_what_was_not_told(self, watch, owner, show, untold, told):
        watch()
        update_show(account=owner, show_id=show.pk, changes={"title": "a"}, now=timezone.now())

        wait_for(lambda: show.pk in told)

    def test_is_one_for_the_machine(self, watch, owner, show, untold, told):
        # Before the first look, which tells of all that is recent.
        update_show(account=owner, show_id=show.pk, changes={"title": "a"}, now=timezone.now())
        watch()
        watch()
        wait_for(lambda: told)
        time.sleep(2 * watching.LOOK_EVERY_SECONDS)

        assert told == [show.pk]

    def test_goes_on_when_the_database_is_there_again(
        self, watch, owner, show, untold, told, monkeypatch
    ):
        look, failures = Watcher.look, []

        def fail_first(self, *, now):
            if len(failures) < 2:
                failures.append(now)
                raise OperationalError
            return look(self, now=now)

        monkeypatch.setattr(Watcher, "look", fail_first)
        watch()
        update_show(account=owner, show_id=show.pk, changes={"title": "a"}, now=timezone.now())

        wait_for(lambda: told)

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has a channel")
    def test_hears_at_once_over_the_channel(self, watch, owner, show, told, monkeypatch):
        # This process tells nothing, and nobody looks: what arrives has come through the database.
        monkeypatch.setattr(changes, "tell_of_change", lambda _show_id: None)
        monkeypatch.setattr(Watcher, "look", lambda *_, **__: 0)
        watch()
        wait_for(someone_listens)

        update_show(account=owner, show_id=show.pk, changes={"title": "a"}, now=timezone.now())

        wait_for(lambda: show.pk in told)
