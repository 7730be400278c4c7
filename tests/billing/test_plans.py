from __future__ import annotations

import pytest
from django.db import IntegrityError

from accounts.services import ensure_operator_account
from billing.models import Subscription, UsageEntry
from billing.plans import AGENT_PRO, SANDBOX
from billing.services import episode_usage, grant_plan, plan_of


class TestGrantPlan:
    def test_starts_a_new_cycle(self, owner, now):
        later = now.replace(day=20)

        granted = grant_plan(account_id=owner.pk, plan=AGENT_PRO, now=later)

        assert granted
        assert plan_of(owner) == AGENT_PRO
        assert episode_usage(owner, now=later).limit is None
        assert Subscription.objects.get(account=owner).cycle_started_at == later

    def test_leaves_the_cycle_of_a_plan_that_stays(self, owner, now):
        granted = grant_plan(account_id=owner.pk, plan=SANDBOX, now=now.replace(day=20))

        assert not granted
        assert Subscription.objects.get(account=owner).cycle_started_at == now


class TestPlanOf:
    def test_the_operator_has_no_limits(self, transactional_db, now):
        account = ensure_operator_account(now=now)

        assert plan_of(account).episodes_per_month is None
        assert plan_of(account).max_shows is None


class TestConstraints:
    @pytest.mark.parametrize("plan", ["gold", ""])
    def test_refuse_an_unknown_plan(self, owner, plan):
        plan_of(owner)

        with pytest.raises(IntegrityError, match="subscription_plan_known"):
            Subscription.objects.update(plan=plan)
        with pytest.raises(IntegrityError, match="subscription_granted_plan_known"):
            Subscription.objects.update(granted_plan=plan)

    @pytest.mark.parametrize(
        ("name", "fields"),
        [
            ("usageentry_kind_known", {"kind": "show"}),
            ("usageentry_quantity_not_zero", {"kind": "download", "quantity": 0}),
            ("usageentry_one_episode_each", {"quantity": 2}),
        ],
    )
    def test_refuse_a_bad_entry(self, owner, now, name, fields):
        entry = {"kind": "episode", "reference": "a", "occurred_at": now, **fields}

        with pytest.raises(IntegrityError, match=name):
            UsageEntry.objects.create(account=owner, **entry)

    def test_refuse_a_second_entry_of_one_number(self, owner, now):
        entry = {"kind": "episode", "reference": "a", "occurred_at": now}
        UsageEntry.objects.create(account=owner, **entry)

        with pytest.raises(IntegrityError):
            UsageEntry.objects.create(account=owner, **entry)
