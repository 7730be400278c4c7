"""Addresses to pay at, activation, management, and the set-up of the catalogue."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Account
from billing.gateways.base import PaymentsNotTaken
from billing.gateways.open import OpenGateway
from billing.gateways.registry import payment_gateway
from billing.models import Checkout, PaidSubscription
from billing.plans import AGENT_PRO
from billing.services import grant_plan, subscription_of
from tests.contracts import examples

ACTIVATE = "/api/billing/activate"


class TestAddresses:
    def test_without_a_key_lead_to_the_page_that_explains(self, anonymous_client, stripe):
        plans = anonymous_client.get("/api/billing/plans").json()["plans"]

        assert plans[1]["checkout_url"] == "https://podcasts.example/billing#agent_pro"
        page = anonymous_client.get("/billing").content.decode()
        assert "Your key gives you the address to pay at" in page

    def test_are_not_given_to_keys_with_scopes(self, owner_client, client_for, stripe):
        made = owner_client.post("/api/keys", {"scopes": ["shows:read"]}, format="json").json()

        plans = client_for(made["api_key"]["key"]).get("/api/billing/plans").json()["plans"]

        assert plans[1]["checkout_url"] == "https://podcasts.example/billing#agent_pro"

    def test_open_one_checkout_however_often_they_are_opened(
        self, owner_client, owner, anonymous_client, stripe, checkout_url
    ):
        path = checkout_url(owner_client, "agent_pro")

        answers = [anonymous_client.get(path) for _ in range(3)]

        assert {answer.status_code for answer in answers} == {302}
        assert len({answer["Location"] for answer in answers}) == len(stripe.sessions) == 1
        session = next(iter(stripe.sessions.values()))
        assert session["client_reference_id"] == str(owner.pk)
        assert session["subscription_data"]["metadata"] == {
            "podwright_instance": "https://podcasts.example",
            "podwright_account": str(owner.pk),
            "podwright_plan": "agent_pro",
        }
        assert session["line_items"][0]["quantity"] == "1"
        assert [list(item) for item in session["line_items"][1:]] == [["price"], ["price"]]
        assert Checkout.objects.get().account == owner

    def test_end_after_a_week(self, owner_client, anonymous_client, stripe, checkout_url):
        with time_machine.travel("2026-03-14T12:00:00Z", tick=False) as clock:
            path = checkout_url(owner_client, "agent_pro")
            clock.shift(timedelta(days=7, seconds=1))

            assert anonymous_client.get(path).status_code == 404
        assert not stripe.sessions

    @pytest.mark.parametrize("token", ["x", "a:b:c", "%00", "\u00e9", "a" * 5_000])
    def test_cannot_be_made_up(self, anonymous_client, stripe, token):
        answer = anonymous_client.get(f"/billing/checkout/{token}")

        assert answer.status_code == 404
        assert not stripe.sessions

    def test_of_accounts_that_are_gone_lead_nowhere(
        self, owner_client, owner, anonymous_client, stripe, checkout_url, issued
    ):
        path = checkout_url(owner_client, "agent_pro")
        Account.objects.filter(pk=owner.pk).delete()

        assert anonymous_client.get(path).status_code == 404

    def test_say_so_when_stripe_is_out_of_order(
        self, owner_client, anonymous_client, stripe, checkout_url
    ):
        path = checkout_url(owner_client, "agent_pro")
        stripe.failures += [500] * 10

        assert anonymous_client.get(path).status_code == 503
        assert not Checkout.objects.exists()

    def test_do_not_sell_a_plan_twice(self, owner_client, buy, deliver, stripe, checkout_url):
        paid = buy(owner_client, "agent_pro")
        deliver(*stripe.events)

        answer = owner_client.get(checkout_url(owner_client, "agent_pro"))

        assert answer["Location"] == f"https://billing.stripe.example/p/session/{paid['customer']}"
        assert len(stripe.sessions) == 1

    def test_lead_payers_to_where_they_can_cancel(self, owner_client, buy, deliver, stripe):
        assert "manage_url" not in owner_client.get("/api/billing").json()["billing"]
        paid = buy(owner_client, "agent_pro")
        deliver(*stripe.events)

        address = owner_client.get("/api/billing").json()["billing"]["manage_url"]

        answer = owner_client.get(urlsplit(address).path)
        assert answer.status_code == 302
        assert answer["Location"].endswith(paid["customer"])


class TestActivation:
    def test_does_not_wait_for_the_event(self, owner_client, owner, buy):
        with time_machine.travel("2026-03-14T00:00:00Z", tick=False):
            buy(owner_client, "agent_pro")

            answer = owner_client.post(ACTIVATE, {"plan": "agent_pro"}, format="json")
            again = owner_client.post(ACTIVATE, {"plan": "agent_pro"}, format="json")

        assert answer.status_code == again.status_code == 200
        assert answer.json() == again.json() == examples.ACTIVATED
        assert subscription_of(owner).email == "buyer@example.com"

    def test_does_not_move_the_cycle_when_asked_again(self, owner_client, owner, buy):
        buy(owner_client, "agent_pro")
        owner_client.post(ACTIVATE, {"plan": "agent_pro"}, format="json")
        started_at = subscription_of(owner).cycle_started_at

        with time_machine.travel(started_at + timedelta(days=9), tick=False):
            owner_client.post(ACTIVATE, {"plan": "agent_pro"}, format="json")

        assert subscription_of(owner).cycle_started_at == started_at

    def test_refuses_a_checkout_that_was_not_paid(
        self, owner_client, stripe, checkout_url, anonymous_client
    ):
        anonymous_client.get(checkout_url(owner_client, "agent_pro"))

        answer = owner_client.post(ACTIVATE, {"plan": "agent_pro"}, format="json")

        told = answer.json()
        assert answer.status_code == 402
        assert told["checkout_url"].startswith("https://podcasts.example/billing/checkout/")

    def test_refuses_another_plan_than_the_paid_one(self, owner_client, buy):
        buy(owner_client, "agent_pro")

        answer = owner_client.post(ACTIVATE, {"plan": "agent_scale"}, format="json")

        assert answer.status_code == 402

    def test_refuses_the_payment_of_another_account(
        self, owner_client, stranger_client, buy, stripe
    ):
        buy(owner_client, "agent_pro")

        body = {"plan": "agent_pro", "email": "buyer@example.com"}
        answer = stranger_client.post(ACTIVATE, body, format="json")

        assert answer.status_code == 402
        assert not PaidSubscription.objects.exists()

    def test_refuses_a_checkout_that_was_given_another_account_at_stripe(
        self, owner_client, owner, buy, stripe, now
    ):
        buy(owner_client, "agent_pro")
        other = Account.objects.create(name="other", created_at=now)
        for session in stripe.sessions.values():
            session["client_reference_id"] = str(other.pk)

        answer = owner_client.post(ACTIVATE, {"plan": "agent_pro"}, format="json")

        assert answer.status_code == 402
        assert subscription_of(other).plan == "sandbox"

    def test_says_so_when_stripe_is_out_of_order(self, owner_client, buy, stripe):
        buy(owner_client, "agent_pro")
        stripe.failures += [500] * 10

        answer = owner_client.post(ACTIVATE, {"plan": "agent_pro"}, format="json")

        assert answer.status_code == 502
        assert answer.json()["code"] == "payment_service_failed"

    def test_says_so_when_the_key_is_wrong(self, owner_client, buy, settings):
        buy(owner_client, "agent_pro")
        settings.STRIPE_SECRET_KEY = "sk_test_wrong"

        answer = owner_client.post(ACTIVATE, {"plan": "agent_pro"}, format="json")

        assert answer.status_code == 502
        assert "sk_test_wrong" not in answer.content.decode()

    def test_keeps_the_larger_plan_that_an_operator_granted(
        self, owner_client, owner, buy, stripe, deliver
    ):
        grant_plan(account_id=owner.pk, plan=AGENT_PRO, now=datetime(2026, 3, 1, tzinfo=UTC))
        paid = buy(owner_client, "agent_scale")
        deliver(*stripe.events)
        assert subscription_of(owner).plan == "agent_scale"

        stripe.end(paid["id"])
        deliver(stripe.events[-1])

        assert subscription_of(owner).plan == "agent_pro"

    def test_asks_stripe_outside_of_every_transaction(self, owner_client, buy, stripe, monkeypatch):
        seen = []
        answer = stripe.answer
        monkeypatch.setattr(
            stripe, "answer", lambda *a: (seen.append(connection.in_atomic_block), answer(*a))[1]
        )
        buy(owner_client, "agent_pro")

        owner_client.post(ACTIVATE, {"plan": "agent_pro"}, format="json")

        assert seen
        assert not any(seen)


class TestSetUp:
    def test_makes_all_that_is_missing_and_nothing_twice(self, empty_stripe):
        first, second = io.StringIO(), io.StringIO()

        call_command("set_up_stripe", stdout=first)
        call_command("set_up_stripe", stdout=second)

        assert first.getvalue().count(": made") == 8
        assert second.getvalue().count(": there") == 8
        assert "https://podcasts.example/api/billing/stripe/events" in first.getvalue()
        amounts = {
            price["lookup_key"]: price["unit_amount_decimal"]
            for price in empty_stripe.prices.values()
        }
        assert amounts == {
            "podwright_agent_pro_base": "4900",
            "podwright_agent_pro_episodes": "5",
            "podwright_agent_pro_downloads": "0.001",
            "podwright_agent_scale_base": "19900",
            "podwright_agent_scale_episodes": "3",
            "podwright_agent_scale_downloads": "0.0005",
        }
        assert {
            (price["recurring"]["interval"], price["recurring"]["interval_count"])
            for price in empty_stripe.prices.values()
        } == {("day", "30")}

    def test_refuses_a_meter_that_counts_otherwise(self, empty_stripe):
        call_command("set_up_stripe", stdout=io.StringIO())
        next(iter(empty_stripe.meters.values()))["event_time_window"] = "day"

        with pytest.raises(CommandError, match="podwright_episodes"):
            call_command("set_up_stripe", stdout=io.StringIO())

    def test_is_told_that_there_is_no_key(self, settings):
        settings.STRIPE_SECRET_KEY = ""

        for command in ("set_up_stripe", "report_usage"):
            with pytest.raises(CommandError, match="STRIPE_SECRET_KEY"):
                call_command(command)

    def test_that_was_forgotten_is_named(
        self, owner_client, empty_stripe, checkout_url, anonymous_client
    ):
        assert anonymous_client.get(checkout_url(owner_client, "agent_pro")).status_code == 503


class TestOpenGateway:
    def test_is_chosen_without_a_key_and_takes_no_payment(self, transactional_db, now):
        gateway = payment_gateway()

        assert isinstance(gateway, OpenGateway)
        for call in (
            lambda: gateway.open_checkout(None),
            lambda: gateway.checkout_state("cs_1"),
            lambda: gateway.paid_state("sub_1"),
            lambda: gateway.cancel("sub_1"),
            lambda: gateway.management_url("cus_1"),
            lambda: gateway.report_usage(None),
            lambda: gateway.reported_in_minute(meter="m", customer_id="c", minute=now),
        ):
            with pytest.raises(PaymentsNotTaken):
                call()
