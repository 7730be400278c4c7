"""From the first checkout to the last bill, with every event delivered twice and out of order."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from billing.ledger import CountedDownloads, enter_downloads
from billing.models import StripeEvent, Subscription, UsageEntry, UsageReport
from billing.reporting import METERS, plan_reports, send_reports
from billing.sweeping import sweep

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CYCLE_START = "2026-03-02T09:31:00Z"
AUDIO = "https://storage.example.com/ep-001.mp3"
EPISODES, DOWNLOADS = METERS["episode"], METERS["download"]


class Drill:
    """One customer's life, in steps."""

    def __init__(self, owner, client, stripe, gateway, deliver, seed):
        self.owner, self.client, self.stripe = owner, client, stripe
        self.gateway, self.deliver = gateway, deliver
        self.order = random.Random(seed)
        self.told = 0

    def deliver_new_events(self):
        """What has happened since the last time, each twice, in any order."""
        events = self.stripe.events[self.told :] * 2
        self.told = len(self.stripe.events)
        self.order.shuffle(events)
        assert set(self.deliver(*events)) == {200}

    def deliver_everything_again(self):
        events = list(self.stripe.events)
        self.order.shuffle(events)
        assert set(self.deliver(*events)) == {200}

    def publish(self, show, count):
        for _ in range(count):
            answer = self.client.post(
                f"/api/shows/{show.pk}/episodes",
                {"audio_url": AUDIO, "title": "One"},
                format="json",
            )
            assert answer.status_code == 201, answer.content

    def download(self, reference, count):
        with transaction.atomic():
            enter_downloads(
                batches=[CountedDownloads(self.owner.pk, reference, count, timezone.now())]
            )

    def sweep(self):
        sweep(gateway=self.gateway, now=timezone.now())

    def billing(self):
        return self.client.get("/api/billing").json()["billing"]

    @property
    def plan(self):
        return self.billing()["plan"]


@pytest.fixture(params=range(2))
def drill(request, owner, owner_client, stripe, gateway, deliver):
    return Drill(owner, owner_client, stripe, gateway, deliver, seed=request.param)


def subscribe(drill, buy, show, clock):
    drill.publish(show, 2)
    clock.shift(60)
    paid = buy(drill.client, "agent_pro")
    clock.shift(5)
    drill.deliver_new_events()
    assert drill.plan == "agent_pro"
    assert drill.billing()["billing_cycle"]["start"] == CYCLE_START
    return paid


def use_upgrade_and_use(drill, show, paid, clock):
    clock.shift(timedelta(hours=1))
    drill.publish(show, 12)
    drill.download("0:1-9", 1_500)
    clock.shift(timedelta(days=2))
    drill.stripe.switch_plan(paid["id"], "agent_scale")
    drill.deliver_new_events()
    assert drill.plan == "agent_scale"
    assert drill.billing()["billing_cycle"]["start"] == CYCLE_START
    drill.publish(show, 3)
    drill.download("0:10-19", 500)
    drill.sweep()
    assert drill.stripe.metered(paid["customer"], EPISODES) == 12
    clock.shift(timedelta(days=1))
    for _ in range(2):
        drill.sweep()
    assert drill.stripe.metered(paid["customer"], EPISODES) == 15
    assert drill.stripe.metered(paid["customer"], DOWNLOADS) == 2_000
    usage = drill.billing()["usage"]
    assert usage["episodes"]["estimated_usage_cost_usd"] == 0.45
    assert usage["downloads"]["estimated_usage_cost_usd"] == 0.01


def fail_to_pay_and_recover(drill, paid, clock):
    drill.stripe.fail_payment(paid["id"])
    drill.deliver_new_events()
    assert drill.plan == "agent_scale"
    drill.stripe.recover(paid["id"])
    drill.deliver_new_events()
    clock.shift(timedelta(days=8))
    drill.sweep()
    assert drill.plan == "agent_scale"


def fail_to_pay_for_longer_than_the_grace(drill, paid, clock):
    drill.stripe.fail_payment(paid["id"])
    drill.deliver_new_events()
    clock.shift(timedelta(days=6, hours=23))
    drill.deliver_everything_again()
    drill.sweep()
    assert drill.plan == "agent_scale"
    clock.shift(timedelta(hours=2))
    drill.sweep()
    assert drill.plan == "sandbox"
    drill.stripe.recover(paid["id"])
    drill.deliver_new_events()
    assert drill.plan == "agent_scale"


def cancel(drill, show, paid, clock):
    drill.publish(show, 1)
    clock.shift(60)
    drill.stripe.end(paid["id"])
    drill.deliver_new_events()
    drill.deliver_everything_again()
    drill.sweep()
    clock.shift(1)
    drill.publish(show, 10)
    episode = {"audio_url": AUDIO, "title": "One too many"}
    over = drill.client.post(f"/api/shows/{show.pk}/episodes", episode, format="json")
    assert over.status_code == 429
    clock.shift(timedelta(days=2))
    drill.sweep()
    assert drill.plan == "sandbox"
    again = drill.client.post("/api/billing/activate", {"plan": "agent_scale"}, format="json")
    assert again.status_code == 402


def test_a_customer_from_checkout_to_cancellation(drill, buy, show, owner):
    with time_machine.travel(START, tick=False) as clock:
        paid = subscribe(drill, buy, show, clock)
        use_upgrade_and_use(drill, show, paid, clock)
        fail_to_pay_and_recover(drill, paid, clock)
        fail_to_pay_for_longer_than_the_grace(drill, paid, clock)
        cancel(drill, show, paid, clock)

    assert drill.stripe.metered(paid["customer"], EPISODES) == 16
    assert drill.stripe.metered(paid["customer"], DOWNLOADS) == 2_000
    assert UsageEntry.objects.filter(kind="episode", account=owner).count() == 2 + 16 + 10
    assert not UsageReport.objects.exclude(state="done").exists()
    assert StripeEvent.objects.count() == len(drill.stripe.events)
    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"done"}
    subscription = Subscription.objects.get(account=owner)
    assert (subscription.email, subscription.billed_to) == ("buyer@example.com", "")


def test_events_that_all_come_at_the_end_leave_the_same(drill, buy):
    with time_machine.travel(START, tick=False) as clock:
        paid = buy(drill.client, "agent_pro")
        clock.shift(60)
        drill.stripe.switch_plan(paid["id"], "agent_scale")
        drill.stripe.fail_payment(paid["id"])
        drill.stripe.recover(paid["id"])
        clock.shift(60)

        drill.deliver_new_events()

        assert drill.plan == "agent_scale"
        drill.stripe.end(paid["id"])
        drill.deliver_new_events()
        drill.deliver_everything_again()
        assert drill.plan == "sandbox"


def test_an_upgrade_by_a_new_checkout_ends_the_old_subscription(drill, buy):
    with time_machine.travel(START, tick=False) as clock:
        old = buy(drill.client, "agent_pro")
        drill.deliver_new_events()
        clock.shift(timedelta(days=3))
        new = buy(drill.client, "agent_scale")
        drill.deliver_new_events()
        assert drill.billing()["billing_cycle"]["start"] == "2026-03-05T09:30:00Z"

        drill.sweep()
        drill.sweep()
        drill.deliver_new_events()

        statuses = {key: row["status"] for key, row in drill.stripe.subscriptions.items()}
        assert statuses == {old["id"]: "canceled", new["id"]: "active"}
        assert drill.plan == "agent_scale"
        assert drill.stripe.asked.count(f"DELETE /v1/subscriptions/{old['id']}") == 1


def test_a_cancellation_of_which_no_event_came_is_noticed_within_a_day(drill, buy):
    with time_machine.travel(START, tick=False) as clock:
        paid = buy(drill.client, "agent_pro")
        drill.deliver_new_events()
        drill.stripe.end(paid["id"])
        clock.shift(timedelta(hours=23))
        drill.sweep()
        assert drill.plan == "agent_pro"

        drill.stripe.failures += [500, 500]
        clock.shift(timedelta(hours=1))
        drill.sweep()
        clock.shift(timedelta(days=1))
        drill.sweep()
        asked = len(drill.stripe.asked)
        drill.sweep()

        assert drill.plan == "sandbox"
        assert len(drill.stripe.asked) == asked


def test_reports_once_what_was_used_however_often_it_is_asked(drill, buy, show):
    with time_machine.travel(START, tick=False) as clock:
        paid = buy(drill.client, "agent_pro")
        drill.deliver_new_events()
        drill.publish(show, 2)
        clock.shift(timedelta(days=1))
        for _ in range(3):
            plan_reports(now=timezone.now())
            send_reports(gateway=drill.gateway, now=timezone.now())
        with transaction.atomic():
            enter_downloads(
                batches=[CountedDownloads(drill.owner.pk, "late", 7, START + timedelta(minutes=9))]
            )
        drill.sweep()

    assert drill.stripe.metered(paid["customer"], EPISODES) == 2
    assert drill.stripe.metered(paid["customer"], DOWNLOADS) == 7
