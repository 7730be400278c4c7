from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from billing.models import UsageEntry
from billing.services import EpisodeQuotaExceeded, episode_usage, return_episode, use_episode


def use(account, reference, now):
    with transaction.atomic():
        use_episode(account=account, reference=reference, now=now)


class TestUseEpisode:
    def test_refuses_the_eleventh_on_sandbox_and_says_how_many_are_used(self, owner, now):
        for number in range(10):
            use(owner, f"episode-{number}", now)

        with pytest.raises(EpisodeQuotaExceeded) as refusal:
            use(owner, "one-too-many", now)

        assert refusal.value.details["usage"] == {
            "episodes_used": 10,
            "episodes_limit": 10,
            "plan": "sandbox",
        }
        assert UsageEntry.objects.count() == 10

    def test_enters_the_same_episode_once(self, owner, now):
        use(owner, "same", now)
        use(owner, "same", now)

        assert episode_usage(owner, now=now).used == 1

    def test_starts_anew_with_the_next_cycle(self, owner, now):
        use(owner, "old", now)

        assert episode_usage(owner, now=now + timedelta(days=30)).used == 0

    def test_demands_a_transaction(self, owner, now):
        with pytest.raises(transaction.TransactionManagementError):
            use_episode(account=owner, reference="alone", now=now)


class TestReturnEpisode:
    def test_gives_back_once(self, owner, now):
        use(owner, "failed", now)

        for _ in range(2):
            with transaction.atomic():
                return_episode(account=owner, reference="failed", now=now)

        assert episode_usage(owner, now=now).used == 0
        assert UsageEntry.objects.count() == 2

    def test_lets_a_returned_episode_be_used_again(self, owner, now):
        use(owner, "retried", now)
        with transaction.atomic():
            return_episode(account=owner, reference="retried", now=now)

        use(owner, "retried", now)

        assert episode_usage(owner, now=now).used == 1
