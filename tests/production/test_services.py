from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connections, transaction

from accounts.models import Account
from billing.services import episode_usage
from episodes.models import Episode
from episodes.states import ProductionState
from production.models import Production
from production.script import Script, ScriptInvalid
from production.services import (
    LEASE,
    ProductionFinished,
    ProductionNotFound,
    ProductionRunning,
    cancel_production,
    claim,
    due_productions,
    fail,
    give_back,
    renew,
    retry_production,
    start_production,
)
from production.states import State
from production.voices.base import EngineUnavailable, VoiceUnknown
from tests.factories.productions import make_episode, make_production

LATER = timedelta(seconds=1)


@pytest.fixture
def production(owner: Account, now: datetime, script_of) -> Production:
    return make_production(owner, script_of("One sentence.", "Another one."), now=now)


class TestStartProduction:
    def test_queues_the_script(self, production: Production, now: datetime) -> None:
        assert production.state == State.WAITING
        assert production.sentences_total == 2
        assert production.percent == 0
        assert Script.from_json(production.script).sentence_count() == 2
        assert due_productions(now=now, limit=10) == [production.pk]

    def test_demands_the_callers_transaction(self, owner, now, script_of) -> None:
        episode = make_episode(owner, now=now)

        with pytest.raises(transaction.TransactionManagementError):
            start_production(
                episode=episode,
                script=script_of("Hello."),
                voice="high",
                publish_on_complete=True,
                now=now,
            )
        assert not Production.objects.exists()

    def test_refuses_voices_that_nobody_has(self, owner, now, script_of) -> None:
        with pytest.raises(VoiceUnknown):
            make_production(owner, script_of("Hello.", voice="nobody"), now=now)

    def test_refuses_scripts_with_nothing_to_say(self, owner, now, script_of) -> None:
        with pytest.raises(ScriptInvalid):
            make_production(owner, script_of("..."), now=now)

    def test_waits_for_an_earlier_one(self, owner, production, now, script_of) -> None:
        with pytest.raises(ProductionRunning):
            make_production(owner, script_of("New."), now=now, episode=production.episode)

    def test_replaces_one_that_has_ended(self, owner, production, now, script_of) -> None:
        cancel_production(account=owner, episode_id=production.episode_id, now=now)

        again = make_production(owner, script_of("New."), now=now, episode=production.episode)

        assert list(Production.objects.values_list("pk", flat=True)) == [again.pk]


class TestClaim:
    def test_gives_the_production_to_one_worker(self, production, now) -> None:
        first = claim(production_id=production.pk, now=now)
        second = claim(production_id=production.pk, now=now)

        assert first is not None
        assert second is None
        assert first.production.attempts == 1
        assert Episode.objects.get().production_state == ProductionState.PROCESSING

    def test_gives_it_to_one_of_many_that_try_at_once(self, production, now) -> None:
        claimed: list[object] = []
        barrier = threading.Barrier(6)

        def work() -> None:
            barrier.wait(100)
            try:
                claimed.append(claim(production_id=production.pk, now=now))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(claimed) == 6
        assert sum(one is not None for one in claimed) == 1

    def test_takes_over_what_was_abandoned(self, production, now) -> None:
        first = claim(production_id=production.pk, now=now)
        assert claim(production_id=production.pk, now=now + LEASE - LATER) is None
        assert due_productions(now=now + LEASE - LATER, limit=10) == []
        assert due_productions(now=now + LEASE, limit=10) == [production.pk]

        second = claim(production_id=production.pk, now=now + LEASE)

        assert second is not None
        assert second.production.attempts == 2
        assert not renew(first, now=now + LEASE)
        assert renew(second, now=now + LEASE)

    def test_leaves_what_is_renewed(self, production, now) -> None:
        held = claim(production_id=production.pk, now=now)
        renew(held, now=now + LEASE / 2, sentences_done=1)

        assert claim(production_id=production.pk, now=now + LEASE) is None
        assert Production.objects.get().percent == 49

    def test_takes_nothing_before_it_is_due(self, production, now) -> None:
        held = claim(production_id=production.pk, now=now)
        give_back(held, due_at=now + timedelta(minutes=1), error=EngineUnavailable("gone"))

        assert claim(production_id=production.pk, now=now + timedelta(seconds=59)) is None
        assert claim(production_id=production.pk, now=now + timedelta(seconds=60)) is not None

    def test_finds_no_production_that_is_gone(self, production, now) -> None:
        production.episode.delete()

        assert claim(production_id=production.pk, now=now) is None


class TestGiveBack:
    def test_counts_failures_but_not_interruptions(self, production, now) -> None:
        give_back(claim(production_id=production.pk, now=now), due_at=now)
        production.refresh_from_db()
        assert (production.attempts, production.error_code) == (0, "")

        held = claim(production_id=production.pk, now=now)
        give_back(held, due_at=now, error=EngineUnavailable("The server is away."))
        production.refresh_from_db()
        assert production.attempts == 1
        assert production.error_code == "voice_engine_unavailable"
        assert production.error_message == "The server is away."

    def test_does_nothing_to_a_production_that_another_holds(self, production, now) -> None:
        first = claim(production_id=production.pk, now=now)
        claim(production_id=production.pk, now=now + LEASE)

        give_back(first, due_at=now)
        fail(first, EngineUnavailable("old news"), now=now)

        production.refresh_from_db()
        assert production.state == State.RUNNING
        assert Episode.objects.get().production_state == ProductionState.PROCESSING


class TestFail:
    def test_ends_production_and_episode_and_returns_the_quota(
        self, owner, production, now
    ) -> None:
        used = episode_usage(account=owner, now=now).used
        held = claim(production_id=production.pk, now=now)

        fail(held, EngineUnavailable("No voice."), now=now)

        production.refresh_from_db()
        episode = Episode.objects.get()
        assert production.state == State.FAILED
        assert production.finished_at == now
        assert episode.production_state == ProductionState.FAILED
        assert episode.error_message == "No voice."
        assert episode_usage(account=owner, now=now).used == used - 1


class TestCancelProduction:
    def test_ends_a_running_one_under_its_worker(self, owner, production, now) -> None:
        held = claim(production_id=production.pk, now=now)

        cancel_production(account=owner, episode_id=production.episode_id, now=now)

        production.refresh_from_db()
        assert production.state == State.CANCELLED
        assert not renew(held, now=now)
        assert Episode.objects.get().production_state == ProductionState.FAILED
        assert due_productions(now=now + timedelta(days=1), limit=10) == []

    def test_refuses_what_has_ended(self, owner, production, now) -> None:
        cancel_production(account=owner, episode_id=production.episode_id, now=now)

        with pytest.raises(ProductionFinished):
            cancel_production(account=owner, episode_id=production.episode_id, now=now)

    def test_knows_nothing_of_other_accounts(self, production, stranger, now) -> None:
        with pytest.raises(ProductionNotFound):
            cancel_production(account=stranger, episode_id=production.episode_id, now=now)
        with pytest.raises(ProductionNotFound):
            retry_production(account=stranger, episode_id=production.episode_id, now=now)

        production.refresh_from_db()
        assert production.state == State.WAITING


class TestRetryProduction:
    def test_queues_a_failed_one_afresh(self, owner, production, now) -> None:
        fail(claim(production_id=production.pk, now=now), EngineUnavailable("No."), now=now)
        used = episode_usage(account=owner, now=now).used

        retry_production(account=owner, episode_id=production.episode_id, now=now)

        production.refresh_from_db()
        episode = Episode.objects.get()
        assert (production.state, production.attempts) == (State.WAITING, 0)
        assert production.error_message == ""
        assert production.finished_at is None
        assert episode.production_state == ProductionState.PENDING
        assert episode.error_message == ""
        assert episode_usage(account=owner, now=now).used == used + 1
        assert due_productions(now=now, limit=10) == [production.pk]

    def test_refuses_one_that_is_under_way(self, owner, production, now) -> None:
        with pytest.raises(ProductionRunning):
            retry_production(account=owner, episode_id=production.episode_id, now=now)


class TestConstraints:
    @pytest.mark.parametrize(
        ("changes", "name"),
        [
            ({"state": "odd"}, "production_state_known"),
            ({"phase": "odd"}, "production_phase_known"),
            ({"sentences_done": 3}, "production_done_within_total"),
            ({"sentences_total": 0}, "production_has_sentences"),
            ({"speed": 0.4}, "production_speed_in_range"),
            ({"speed": 2.1}, "production_speed_in_range"),
            ({"state": State.RUNNING}, "production_lease_while_running"),
            ({"lease_until": datetime(2026, 1, 1).astimezone()}, "production_lease_while_running"),
        ],
    )
    def test_refuse_bad_rows(self, production, changes: dict[str, object], name: str) -> None:
        with pytest.raises(IntegrityError, match=name):
            Production.objects.filter(pk=production.pk).update(**changes)
