"""Usage is reported once: by workers that fail, are killed, come late or come together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from billing.gateways.base import PaidState
from billing.ledger import CountedDownloads, enter_downloads
from billing.models import StripeEvent, UsageReport
from billing.payments import record_paid_state
from billing.reporting import METERS, plan_reports, send_reports
from billing.services import return_episode
from billing.work import try_again
from config.env import BASE_DIR
from tests.factories.payments import pay, use_episodes
from tests.fakes.stripe_server import SECRET_KEY, WEBHOOK_SECRET
from tests.flows.running import environment_of

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
NEXT_DAY = NOON + timedelta(days=1)
EPISODES, DOWNLOADS = METERS["episode"], METERS["download"]
ONE_DAY = timedelta(days=1)


@pytest.fixture
def customer(owner):
    return pay(owner, now=NOON - timedelta(days=2))


@pytest.fixture
def _march(stripe):
    with time_machine.travel(NEXT_DAY, tick=False):
        yield


def report(gateway, *, now):
    plan_reports(now=now)
    send_reports(gateway=gateway, now=now)


@pytest.mark.usefixtures("_march")
class TestReports:
    def test_wait_for_the_end_of_the_day(self, owner, customer, stripe, gateway):
        use_episodes(owner, 3, now=NOON)

        report(gateway, now=NOON + timedelta(hours=11))
        assert stripe.metered(customer, EPISODES) == 0

        report(gateway, now=NEXT_DAY)
        assert stripe.metered(customer, EPISODES) == 3
        assert stripe.meter_events[0]["timestamp"] == str(int(NOON.timestamp()))

    def test_do_not_wait_on_the_last_day_of_the_cycle(self, owner, stripe, gateway):
        customer = pay(owner, now=NOON - timedelta(days=29, hours=1))
        use_episodes(owner, 3, now=NOON)

        report(gateway, now=NOON)
        use_episodes(owner, 2, now=NOON + timedelta(minutes=5))
        report(gateway, now=NOON + timedelta(minutes=6))
        assert stripe.metered(customer, EPISODES) == 3

        report(gateway, now=NOON + timedelta(hours=1))
        assert stripe.metered(customer, EPISODES) == 5

    def test_do_not_wait_when_a_subscription_ends(self, owner, customer, stripe, gateway):
        use_episodes(owner, 3, now=NOON)
        ended = PaidState(
            f"sub_{owner.pk}",
            customer,
            owner.pk,
            "agent_pro",
            "canceled",
            NOON,
            NOON,
            None,
            NOON,
        )
        record_paid_state(account=owner, state=ended, version=1, now=NOON)

        report(gateway, now=NOON)

        assert stripe.metered(customer, EPISODES) == 3

    def test_that_stripe_could_not_count_wait_for_the_operator(
        self, owner, customer, stripe, gateway, deliver
    ):
        use_episodes(owner, 3, now=NOON)
        report(gateway, now=NEXT_DAY)
        told = stripe.find_meter_errors(message="No customer has this id.")

        assert deliver(told, told) == [200, 200]

        refused = UsageReport.objects.get()
        assert (refused.state, refused.first_tried_at) == ("failed", None)
        assert refused.error == "Stripe did not count it: No customer has this id."
        report(gateway, now=NEXT_DAY + timedelta(minutes=5))
        assert stripe.metered(customer, EPISODES) == 0
        try_again(UsageReport.objects.all(), now=NEXT_DAY)
        report(gateway, now=NEXT_DAY)
        assert stripe.metered(customer, EPISODES) == 3
        late = {**told, "id": "evt_late"}
        stripe.thin_events["evt_late"] = stripe.thin_events[told["id"]]
        assert deliver(late) == [200]
        assert UsageReport.objects.get().state == "done"
        assert StripeEvent.objects.get(event_id="evt_late").state == "ignored"

    def test_of_other_programs_are_left_alone(self, owner, customer, stripe, gateway, deliver):
        use_episodes(owner, 3, now=NOON)
        report(gateway, now=NEXT_DAY)
        told = stripe.find_meter_errors(message="Wrong.")
        reason = stripe.thin_events[told["id"]]["data"]["reason"]
        for sample in reason["error_types"][0]["sample_errors"]:
            sample["request"] = {"identifier": "somebody-elses-key"}

        deliver(told)

        assert UsageReport.objects.get().state == "done"
        assert StripeEvent.objects.get().state == "ignored"

    def test_follow_what_comes_late_and_what_is_given_back(self, owner, customer, stripe, gateway):
        use_episodes(owner, 3, now=NOON)
        report(gateway, now=NEXT_DAY)
        with transaction.atomic():
            enter_downloads(batches=[CountedDownloads(owner.pk, "late", 9, NOON)])
            return_episode(account=owner, reference=f"{owner.pk} {NOON.isoformat()} 0", now=NOON)

        report(gateway, now=NEXT_DAY)
        report(gateway, now=NEXT_DAY)

        assert stripe.metered(customer, EPISODES) == 2
        assert stripe.metered(customer, DOWNLOADS) == 9
        minutes = [int(event["timestamp"]) // 60 for event in stripe.meter_events]
        assert len(set(minutes)) == 2  # two of episodes, and downloads in the minute of the first
        assert sorted(UsageReport.objects.values_list("kind", "quantity")) == [
            ("download", 9),
            ("episode", -1),
            ("episode", 3),
        ]

    def test_leave_out_what_nobody_pays_for(self, owner, stripe, gateway):
        use_episodes(owner, 3, now=NOON)
        pay(owner, now=NOON)

        report(gateway, now=NEXT_DAY)

        assert not stripe.meter_events

    def test_that_are_given_back_after_the_upgrade_are_not_owed(self, owner, stripe, gateway):
        use_episodes(owner, 1, now=NOON)
        customer = pay(owner, now=NOON)
        with transaction.atomic():
            return_episode(account=owner, reference=f"{owner.pk} {NOON.isoformat()} 0", now=NOON)

        report(gateway, now=NEXT_DAY)

        assert stripe.metered(customer, EPISODES) == 0

    def test_come_again_while_stripe_is_out_of_order(self, owner, customer, stripe, gateway):
        use_episodes(owner, 3, now=NOON)
        stripe.failures += [500, 500]
        report(gateway, now=NEXT_DAY)
        waiting = UsageReport.objects.get()
        assert (waiting.state, waiting.attempts) == ("waiting", 1)

        report(gateway, now=NEXT_DAY + timedelta(minutes=1))

        assert UsageReport.objects.get().state == "done"
        assert stripe.metered(customer, EPISODES) == 3

    def test_that_stripe_refuses_wait_for_a_person(self, owner, customer, stripe, gateway):
        use_episodes(owner, 3, now=NOON)
        meters, stripe.meters = stripe.meters, {}
        report(gateway, now=NEXT_DAY)
        refused = UsageReport.objects.get()
        assert refused.state == "failed"
        assert "No active meter" in refused.error

        stripe.meters = meters
        operator = Client()
        operator.force_login(get_user_model().objects.create_superuser("boss", password=None))
        act = {"action": "try_again", "_selected_action": [refused.pk]}
        operator.post("/admin/billing/usagereport/", act)
        report(gateway, now=NEXT_DAY + timedelta(minutes=1))

        assert UsageReport.objects.get().state == "done"
        assert stripe.metered(customer, EPISODES) == 3

    def test_are_written_and_sent_once_by_many_workers(self, owner, customer, stripe, gateway):
        use_episodes(owner, 3, now=NOON)

        def work():
            report(gateway, now=NEXT_DAY)
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert stripe.metered(customer, EPISODES) == 3
        assert UsageReport.objects.count() == len(stripe.meter_events) == 1


def database_url() -> str:
    """The test database, for a process of its own."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def reporter(stripe) -> subprocess.Popen[bytes]:
    """A process that reports all usage, once."""
    environment = environment_of(
        django_settings.DATA_DIR,
        8000,
        DATABASE_URL=database_url(),
        SECRET_KEY=django_settings.SECRET_KEY,
        OUTBOUND_ALLOW="127.0.0.0/8",
        STRIPE_SECRET_KEY=SECRET_KEY,
        STRIPE_WEBHOOK_SECRET=WEBHOOK_SECRET,
        STRIPE_API_BASE=stripe.address,
    )
    command = [sys.executable, str(BASE_DIR / "manage.py"), "report_usage"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


@pytest.mark.slow
@pytest.mark.parametrize("pause", [timedelta(minutes=3), timedelta(hours=30)])
def test_a_reporter_that_is_killed_midway_leaves_nothing_out_and_nothing_twice(
    owner, stripe, gateway, pause
):
    yesterday = timezone.now() - ONE_DAY
    accounts = [owner]
    accounts += [Account.objects.create(name=str(n), created_at=yesterday) for n in range(4)]
    customers = [pay(account, now=yesterday - ONE_DAY) for account in accounts]
    for account in accounts:
        use_episodes(account, 3, now=yesterday)
    stripe.silent_after = 3
    process = reporter(stripe)
    deadline = time.monotonic() + 150
    while len(stripe.meter_events) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert UsageReport.objects.filter(state="done").count() == 2
    stripe.silent_after = None
    stripe.release.set()
    # As long as `pause` may take, Stripe may have forgotten the identifiers by then.
    for event in stripe.meter_events:
        event["created"] -= int(pause.total_seconds())
    then = timezone.now() - pause
    UsageReport.objects.filter(first_tried_at__isnull=False).update(first_tried_at=then)
    UsageReport.objects.filter(lease__isnull=False).update(lease_until=then)

    assert reporter(stripe).wait(150) == 0

    assert [stripe.metered(customer, EPISODES) for customer in customers] == [3] * 5
    assert set(UsageReport.objects.values_list("state", flat=True)) == {"done"}
