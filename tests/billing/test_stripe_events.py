"""What comes to the address of Stripe's events: only what Stripe signed is stored, and once."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone

from billing.inbox import handle_due, handle_event
from billing.models import Checkout, PaidSubscription, StripeEvent, Subscription, UsageReport
from billing.services import subscription_of
from tests.billing.conftest import EVENTS
from tests.fakes.stripe_server import signed

HARMLESS = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.created",
    "created": 1_770_000_000,
    "data": {"object": {"id": "cus_1", "object": "customer"}},
}


@pytest.fixture
def post(anonymous_client, empty_stripe):
    def send(body, signature, content_type="application/json"):
        headers = {} if signature is None else {"HTTP_STRIPE_SIGNATURE": signature}
        return anonymous_client.post(EVENTS, body, content_type=content_type, **headers)

    return send


class TestSignature:
    def test_of_stripe_lets_an_event_in_once(self, post):
        body, signature = signed(HARMLESS)

        answers = [post(body, signature) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert [answer.json()["received"] for answer in answers] == [True, False, False]
        assert StripeEvent.objects.get().state == "ignored"

    @pytest.mark.parametrize(
        "signature",
        [
            None,
            "",
            "nonsense",
            "t=,v1=",
            "t=1,v1=" + "0" * 64,
            "t=\u0661,v1=00",
            "v1=" + "0" * 64,
            f"t={2**70},v1=00",
            "t=1" * 5_000,
        ],
    )
    def test_that_is_none_stores_nothing(self, post, signature):
        body, _right = signed(HARMLESS)

        answer = post(body, signature.encode().decode("latin-1") if signature else signature)

        assert answer.status_code == 400
        assert answer.json()["code"] == "signature_invalid"
        assert not StripeEvent.objects.exists()

    def test_of_another_secret_stores_nothing(self, post):
        assert post(*signed(HARMLESS, secret="whsec_other")).status_code == 400
        assert not StripeEvent.objects.exists()

    def test_of_any_of_several_secrets_lets_an_event_in(self, post, settings):
        settings.STRIPE_WEBHOOK_SECRET = "whsec_one, whsec_two"

        assert post(*signed(HARMLESS, secret="whsec_two")).status_code == 200
        assert post(*signed(HARMLESS, secret="whsec_one")).status_code == 200

    def test_of_no_secret_is_none_though_a_comma_is_left_over(self, post, settings):
        settings.STRIPE_WEBHOOK_SECRET = "whsec_one,"

        assert post(*signed(HARMLESS, secret="")).status_code == 400
        assert not StripeEvent.objects.exists()

    def test_of_another_body_stores_nothing(self, post):
        body, signature = signed(HARMLESS)

        answer = post(body.replace(b"cus_1", b"cus_2"), signature)

        assert answer.status_code == 400
        assert not StripeEvent.objects.exists()

    def test_that_is_old_is_a_replay(self, post):
        answer = post(*signed(HARMLESS, at=int(time.time()) - 301))

        assert answer.status_code == 400
        assert not StripeEvent.objects.exists()

    def test_is_not_asked_for_where_no_payments_are_taken(self, anonymous_client, settings):
        settings.STRIPE_WEBHOOK_SECRET = ""

        answer = anonymous_client.post(EVENTS, b"{}", content_type="application/json")

        assert answer.status_code == 404


class TestSignedNonsense:
    @pytest.mark.parametrize(
        "event",
        [
            [],
            "event",
            7,
            None,
            {},
            {**HARMLESS, "id": 7},
            {**HARMLESS, "id": ""},
            {**HARMLESS, "id": "e" * 256},
            {**HARMLESS, "id": "evt_\u0000"},
            {**HARMLESS, "type": None},
            {**HARMLESS, "object": "v2.core.event"},
            {**HARMLESS, "object": "v2.core.event", "created": "yesterday"},
            {**HARMLESS, "object": "v2.core.event", "created": "0001-01-01T00:00:00+14:00"},
            {**HARMLESS, "created": "now"},
            {**HARMLESS, "created": True},
            {**HARMLESS, "created": -1},
            {**HARMLESS, "created": 10**30},
            {**HARMLESS, "data": None},
            {**HARMLESS, "data": {"object": []}},
            {**HARMLESS, "data": {"object": {"id": 7}}},
            {**HARMLESS, "data": {"object": {"object": "invoice", "parent": 7}}},
        ],
    )
    def test_is_refused_without_a_trace(self, post, event):
        answer = post(*signed(event))

        assert answer.status_code == 400
        assert answer.json()["code"] == "event_unreadable"
        assert not StripeEvent.objects.exists()

    def test_is_refused_when_it_is_no_text(self, post):
        assert post(b"\xff\xfe", "t=1,v1=00").status_code == 400

    def test_is_refused_when_it_is_nested_deeply(self, post):
        body = b"[" * 100_000

        answer = post(body, signed_bytes(body))

        assert answer.status_code == 400

    def test_is_refused_when_it_is_huge(self, post):
        answer = post(b"a" * 1_000_001, "t=1,v1=00")

        assert answer.status_code == 413
        assert answer.json()["success"] is False

    def test_leaves_huge_numbers_alone(self, post):
        body = json.dumps(HARMLESS).replace("1770000000", "9" * 5_000).encode()

        assert post(body, signed_bytes(body)).status_code == 400

    @pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
    def test_knows_one_method(self, anonymous_client, method):
        assert getattr(anonymous_client, method)(EVENTS).status_code == 405


def signed_bytes(body):
    import stripe  # noqa: PLC0415 - the fixture has the same name

    return stripe.WebhookSignature.generate_signature_header(body.decode(), "whsec_of_this_server")


class TestHandling:
    def test_happens_once_however_many_workers_there_are(self, owner, owner_client, buy, gateway):
        from billing.inbox import receive_event  # noqa: PLC0415 - the subject of this test alone

        paid = buy(owner_client, "agent_pro")
        event = {
            **HARMLESS,
            "type": "customer.subscription.created",
            "data": {"object": {"id": paid["id"], "object": "subscription"}},
        }
        body, signature = signed(event)
        stored, handled = [], []

        def work():
            now = timezone.now()
            stored.append(
                receive_event(
                    body=body, signature=signature, secret="whsec_of_this_server", now=now
                )
            )
            row = StripeEvent.objects.get()
            handled.append(handle_event(event_pk=row.pk, gateway=gateway, now=timezone.now()))
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert stored.count(True) == 1
        assert handled.count(True) == 1
        assert subscription_of(owner).plan == "agent_pro"

    def test_waits_while_stripe_is_out_of_order(
        self, owner, owner_client, buy, deliver, stripe, gateway
    ):
        with time_machine.travel("2026-03-14T12:00:00Z", tick=False) as clock:
            buy(owner_client, "agent_pro")
            stripe.failures += [500] * 20
            deliver(stripe.events[0])
            waiting = StripeEvent.objects.get()
            assert (waiting.state, waiting.attempts) == ("waiting", 1)
            assert waiting.due_at == timezone.now() + timedelta(minutes=1)
            assert "payment_service_failed" in waiting.error
            assert subscription_of(owner).plan == "sandbox"
            assert handle_due(gateway=gateway, now=timezone.now()) == 0

            stripe.failures.clear()
            clock.shift(60)
            assert handle_due(gateway=gateway, now=timezone.now()) == 1

        assert StripeEvent.objects.get().state == "done"
        assert subscription_of(owner).plan == "agent_pro"

    def test_is_taken_up_when_a_worker_was_killed(
        self, owner, owner_client, buy, deliver, stripe, gateway
    ):
        buy(owner_client, "agent_pro")
        now = timezone.now()
        stripe.failures += [500] * 20
        deliver(stripe.events[0])
        StripeEvent.objects.update(due_at=now)
        StripeEvent.objects.all().claim(now=now, lasting=timedelta(minutes=2))
        stripe.failures.clear()

        assert handle_due(gateway=gateway, now=now + timedelta(minutes=1)) == 0
        assert handle_due(gateway=gateway, now=now + timedelta(minutes=2)) == 1

        assert subscription_of(owner).plan == "agent_pro"

    def test_gives_up_after_days_and_begins_anew_by_an_action(
        self, owner, owner_client, buy, deliver, stripe, gateway
    ):
        with time_machine.travel("2026-03-14T12:00:00Z", tick=False) as clock:
            buy(owner_client, "agent_pro")
            stripe.failures += [500] * 100
            deliver(stripe.events[0])
            for _ in range(20):
                clock.shift(timedelta(days=1))
                handle_due(gateway=gateway, now=timezone.now())
            failed = StripeEvent.objects.get()
            assert (failed.state, failed.attempts) == ("failed", 10)

            stripe.failures.clear()
            operator = Client()
            operator.force_login(get_user_model().objects.create_superuser("boss", password=None))
            act = {"action": "try_again", "_selected_action": [failed.pk]}
            operator.post("/admin/billing/stripeevent/", act)
            handle_due(gateway=gateway, now=timezone.now())

        assert StripeEvent.objects.get().state == "done"
        assert subscription_of(owner).plan == "agent_pro"

    def test_ignores_what_another_program_sold(self, owner, owner_client, buy, deliver, stripe):
        paid = buy(owner_client, "agent_pro")
        stripe.subscriptions[paid["id"]]["metadata"]["podwright_instance"] = "https://else.example"

        deliver(*stripe.events)

        assert subscription_of(owner).plan == "sandbox"
        assert set(StripeEvent.objects.values_list("state", flat=True)) <= {"ignored", "done"}
        assert not PaidSubscription.objects.exists()

    def test_refuses_a_plan_that_is_none(self, owner, owner_client, buy, deliver, stripe):
        paid = buy(owner_client, "agent_pro")
        for item in stripe.subscriptions[paid["id"]]["items"]["data"]:
            item["price"]["metadata"] = {}
        stripe.subscriptions[paid["id"]]["metadata"]["podwright_plan"] = "gold"

        deliver(stripe.events[0])

        assert subscription_of(owner).plan == "sandbox"
        assert StripeEvent.objects.get().error.startswith("plan_not_sold")

    def test_never_moves_a_subscription_to_another_account(
        self, owner, owner_client, stranger_client, buy, deliver, stripe
    ):
        paid = buy(owner_client, "agent_pro")
        deliver(*stripe.events)
        stranger_client.get("/api/billing")
        stranger = Subscription.objects.exclude(account=owner).get().account
        stripe.change(
            paid["id"],
            "customer.subscription.updated",
            metadata={**paid["metadata"], "podwright_account": str(stranger.pk)},
        )

        deliver(stripe.events[-1])

        assert subscription_of(stranger).plan == "sandbox"
        assert subscription_of(owner).plan == "agent_pro"
        assert StripeEvent.objects.get(event_id=stripe.events[-1]["id"]).error.startswith(
            "payment_of_another"
        )


class TestConstraints:
    @pytest.mark.parametrize(
        ("name", "changes"),
        [
            ("stripeevent_state_known", {"state": "lost"}),
            ("stripeevent_finished_or_waiting", {"state": "done"}),
        ],
    )
    def test_refuse_a_bad_event(self, transactional_db, now, name, changes):
        with pytest.raises(IntegrityError, match=name):
            StripeEvent.objects.create(
                **{"event_id": "e", "type": "t", "created_at": now, "received_at": now}
                | {"due_at": now}
                | changes
                | ({"finished_at": now} if changes["state"] == "lost" else {})
            )

    @pytest.mark.parametrize(
        ("name", "changes"),
        [
            ("checkout_plan_sold", {"plan": "sandbox"}),
            ("checkout_status_known", {"status": "lost"}),
        ],
    )
    def test_refuse_a_bad_checkout(self, owner, now, name, changes):
        with pytest.raises(IntegrityError, match=name):
            Checkout.objects.create(
                **{"account": owner, "plan": "agent_pro", "session_id": "s", "created_at": now}
                | changes
            )

    @pytest.mark.parametrize(
        ("name", "changes"),
        [
            ("paidsubscription_plan_sold", {"plan": "enterprise"}),
            ("paidsubscription_status_known", {"status": "lost"}),
            ("paidsubscription_grace_if_overdue", {"status": "past_due"}),
        ],
    )
    def test_refuse_a_bad_subscription(self, owner, now, name, changes):
        fields = {"account": owner, "stripe_id": "s", "customer_id": "c", "plan": "agent_pro"}
        moments = {"started_at": now, "period_started_at": now, "refreshed_at": now}
        with pytest.raises(IntegrityError, match=name):
            PaidSubscription.objects.create(**{"status": "active"} | fields | moments | changes)

    @pytest.mark.parametrize(
        ("name", "changes"),
        [
            ("usagereport_kind_known", {"kind": "storage"}),
            ("usagereport_quantity_not_zero", {"quantity": 0}),
            ("usagereport_state_known", {"state": "lost", "finished": True}),
            ("usagereport_finished_or_waiting", {"state": "done"}),
        ],
    )
    def test_refuse_a_bad_report(self, owner, now, name, changes):
        fields = {"account": owner, "customer_id": "c", "kind": "episode", "day": now.date()}
        moments = {"happened_at": now, "due_at": now, "created_at": now}
        extra = {"finished_at": now} if changes.pop("finished", False) else {}
        with pytest.raises(IntegrityError, match=name):
            UsageReport.objects.create(**{"quantity": 1} | fields | moments | changes | extra)

    def test_refuse_a_second_report_of_one_number(self, owner, now):
        fields = {"account": owner, "customer_id": "c", "kind": "episode", "day": now.date()}
        moments = {"happened_at": now, "due_at": now, "created_at": now, "quantity": 1}
        UsageReport.objects.create(**fields, **moments)

        with pytest.raises(IntegrityError):
            UsageReport.objects.create(**fields, **moments)
