"""The billing examples of the PodClaw API page: same members, same types, same figures."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine
from django.db import transaction

from billing.ledger import CountedDownloads, enter_downloads, enter_stored
from billing.plans import AGENT_PRO, AGENT_SCALE, ENTERPRISE
from billing.services import grant_plan, use_episode
from tests.contracts import examples

CYCLE_START = datetime(2026, 3, 1, tzinfo=UTC)
WITHIN = datetime(2026, 3, 13, 6, tzinfo=UTC)
ACTIVATED_AT = datetime(2026, 3, 14, tzinfo=UTC)


def but_for(told, *names):
    return {name: value for name, value in told.items() if name not in names}


@pytest.fixture
def used_as_in_the_example(owner):
    grant_plan(account_id=owner.pk, plan=AGENT_PRO, now=CYCLE_START)
    with transaction.atomic():
        for number in range(23):
            use_episode(account=owner, reference=f"episode-{number}", now=CYCLE_START)
        enter_downloads(
            batches=[
                CountedDownloads(owner.pk, "shard 0, 1 to 9", 4_000, CYCLE_START),
                CountedDownloads(owner.pk, "shard 0, 10 to 19", 820, WITHIN),
            ]
        )
        enter_stored(
            account_id=owner.pk, storage_key="audio/a.mp3", size=2_400_000_000, now=CYCLE_START
        )


class TestPlans:
    @pytest.mark.parametrize("path", ["/api/billing/plans", "/api/v1/billing/plans"])
    def test_are_public_and_have_the_figures_of_the_page(self, anonymous_client, path):
        answer = anonymous_client.get(path)

        told = answer.json()
        assert answer.status_code == 200
        assert list(told) == list(examples.PLANS)
        for plan, example in zip(told["plans"], examples.PLANS["plans"], strict=True):
            assert list(plan) == list(example)
            assert but_for(plan, "checkout_url", "contact") == but_for(
                example, "checkout_url", "contact"
            )
            assert type(plan.get("checkout_url")) is type(example.get("checkout_url"))
        assert told["plans"][-1]["contact"] == "postmaster@podcasts.example"

    def test_print_numbers_as_the_page_does(self, anonymous_client):
        text = anonymous_client.get("/api/billing/plans").content.decode()

        assert '"price_usd":49,' in text
        assert '"per_episode_usd":0.05,' in text
        assert '"per_download_per_1k_usd":0.005,' in text
        assert '"price_usd":0,' in text


class TestBilling:
    def test_has_the_arithmetic_of_the_page(self, owner_client, used_as_in_the_example):
        with time_machine.travel(WITHIN, tick=False):
            answer = owner_client.get("/api/billing")

        told = answer.json()["billing"]
        assert answer.status_code == 200
        assert list(told) == list(examples.BILLING["billing"])
        assert but_for(told, "upgrade_options") == but_for(
            examples.BILLING["billing"], "upgrade_options"
        )
        assert [plan["id"] for plan in told["upgrade_options"]] == ["agent_scale", "enterprise"]
        for plan, example in zip(
            told["upgrade_options"], examples.BILLING["billing"]["upgrade_options"], strict=True
        ):
            assert list(plan) == list(example)
        text = answer.content.decode()
        assert '"estimated_usage_cost_usd":1.15}' in text
        assert '"estimated_usage_cost_usd":0.0482}' in text
        assert '"used_gb":2.4}' in text

    def test_counts_what_is_left_on_sandbox(self, owner_client, owner, now):
        with transaction.atomic():
            use_episode(account=owner, reference="one", now=now)

        with time_machine.travel(now, tick=False):
            told = owner_client.get("/api/billing").json()["billing"]

        assert told["usage"]["episodes"] == {
            "used": 1,
            "limit": 10,
            "remaining": 9,
            "estimated_usage_cost_usd": 0,
        }
        assert told["billing_cycle"]["days_remaining"] == 30
        assert [plan["id"] for plan in told["upgrade_options"]] == [
            "agent_pro",
            "agent_scale",
            "enterprise",
        ]

    def test_starts_a_new_cycle_after_thirty_days(self, owner_client, used_as_in_the_example):
        with time_machine.travel("2026-03-31T00:00:00Z", tick=False):
            told = owner_client.get("/api/billing").json()["billing"]

        assert told["billing_cycle"] == {
            "start": "2026-03-31T00:00:00Z",
            "end": "2026-04-30T00:00:00Z",
            "days_remaining": 30,
        }
        assert told["usage"]["episodes"]["used"] == 0
        assert told["usage"]["downloads"]["total"] == 0
        assert told["usage"]["storage"]["used_gb"] == 2.4

    def test_knows_no_costs_where_prices_are_agreed(self, owner_client, owner, now):
        grant_plan(account_id=owner.pk, plan=ENTERPRISE, now=now)

        told = owner_client.get("/api/billing").json()["billing"]

        assert told["price_usd"] is None
        assert told["usage"]["episodes"]["estimated_usage_cost_usd"] is None
        assert told["upgrade_options"] == []


class TestActivation:
    def test_answers_as_the_page_does_once_the_plan_is_granted(self, owner_client, owner):
        grant_plan(account_id=owner.pk, plan=AGENT_PRO, now=ACTIVATED_AT)
        body = {"plan": "agent_pro", "email": "you@example.com"}

        first = owner_client.post("/api/billing/activate", body, format="json")
        again = owner_client.post("/api/billing/activate", body, format="json")

        assert first.status_code == again.status_code == 200
        assert first.json() == again.json() == examples.ACTIVATED

    def test_trusts_nobody(self, owner_client):
        body = {"plan": "agent_scale", "email": "boss@example.com"}

        answer = owner_client.post("/api/billing/activate", body, format="json")

        told = answer.json()
        assert answer.status_code == 402
        assert told["success"] is False
        assert told["code"] == "payment_required"
        assert told["checkout_url"] == "https://podcasts.example/billing#agent_scale"
        assert "ask its operator" in told["error"]
        assert owner_client.get("/api/billing").json()["billing"]["plan"] == "sandbox"

    def test_of_a_smaller_plan_than_the_granted_one_is_refused(self, owner_client, owner, now):
        grant_plan(account_id=owner.pk, plan=AGENT_SCALE, now=now)

        answer = owner_client.post("/api/billing/activate", {"plan": "agent_pro"}, format="json")

        assert answer.status_code == 402
        assert owner_client.get("/api/billing").json()["billing"]["plan"] == "agent_scale"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "plan"),
            ({"plan": None}, "plan"),
            ({"plan": ["agent_pro"]}, "plan"),
            ({"plan": 7}, "plan"),
            ({"plan": "sandbox"}, "plan"),
            ({"plan": "enterprise"}, "plan"),
            ({"plan": "gold"}, "plan"),
            ({"plan": "agent_pro", "email": "nobody"}, "email"),
            ({"plan": "agent_pro", "email": {"a": 1}}, "email"),
            ({"plan": "agent_pro", "email": "a@" + "b" * 300 + ".com"}, "email"),
        ],
    )
    def test_names_the_field_at_fault(self, owner_client, body, field):
        answer = owner_client.post("/api/billing/activate", body, format="json")

        assert answer.status_code == 400
        assert answer.json()["field"] == field

    @pytest.mark.parametrize("body", [b"[]", b'"agent_pro"', b"7", b"{", b"\xff", b""])
    def test_takes_objects_only(self, owner_client, body):
        answer = owner_client.post("/api/billing/activate", body, content_type="application/json")

        assert answer.status_code == 400
        assert answer.json()["success"] is False


class TestAccess:
    CALLS = (("get", "/api/billing"), ("post", "/api/billing/activate"))

    @pytest.mark.parametrize(("method", "path"), CALLS)
    def test_needs_a_key(self, anonymous_client, method, path):
        assert getattr(anonymous_client, method)(path).status_code == 401

    @pytest.mark.parametrize(("method", "path"), CALLS)
    def test_needs_a_key_with_full_access(self, owner_client, client_for, method, path):
        made = owner_client.post("/api/keys", {"scopes": ["shows:read"]}, format="json").json()

        answer = getattr(client_for(made["api_key"]["key"]), method)(path)

        assert answer.status_code == 403
        assert "full access" in answer.json()["error"]

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("post", "/api/billing"),
            ("get", "/api/billing/activate"),
            ("post", "/api/billing/plans"),
        ],
    )
    def test_knows_its_methods(self, owner_client, method, path):
        assert getattr(owner_client, method)(path).status_code == 405

    def test_shows_strangers_nothing(self, stranger_client, used_as_in_the_example):
        told = stranger_client.get("/api/billing").json()["billing"]

        assert told["plan"] == "sandbox"
        assert told["usage"]["downloads"]["total"] == 0

    def test_leads_people_to_a_page(self, anonymous_client):
        page = anonymous_client.get("/billing")

        assert page.status_code == 200
        assert 'id="agent_scale"' in page.content.decode()
        assert "mailto:postmaster@podcasts.example" in page.content.decode()
