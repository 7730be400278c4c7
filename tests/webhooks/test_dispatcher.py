"""Events on their way to a real receiver."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from tests.fakes.web_server import answer, redirect
from tests.flows.running import wait_until
from tests.webhooks.conftest import failing_every
from webhooks.delivering import LEASE, claim, due_deliveries, fan_out, record_answer
from webhooks.dispatcher import Dispatcher
from webhooks.models import Attempt, Delivery, Endpoint, Event
from webhooks.sending import Answer, send
from webhooks.services import register_endpoint, rotate_secret, update_endpoint
from webhooks.signing import podclaw_signature, standard_signature


def one_delivery():
    return Delivery.objects.get()


class TestDelivery:
    def test_carries_the_contract_s_body_and_both_signatures(
        self, endpoint, receiver, record, dispatch, now
    ):
        record("episode.published", id=88, title="Ünï — 🎙")

        dispatch()

        headers = receiver.request_headers()
        body = receiver.requests[0].split(b"\r\n\r\n", 1)[1]
        made = one_delivery()
        assert receiver.request_line() == "POST /hook HTTP/1.1"
        assert headers["content-type"] == "application/json; charset=utf-8"
        assert json.loads(body) == {
            "event": "episode.published",
            "delivery_id": str(made.uuid),
            "timestamp": "2026-03-14T12:00:00.000Z",
            "data": {"id": 88, "title": "Ünï — 🎙"},
        }
        assert headers["x-podclaw-signature"] == podclaw_signature(endpoint.secret, body)
        assert headers["webhook-id"] == str(made.uuid)
        assert headers["webhook-timestamp"] == str(int(now.timestamp()))
        assert headers["webhook-signature"] == standard_signature(
            endpoint.secret, message_id=str(made.uuid), timestamp=int(now.timestamp()), body=body
        )
        assert (made.state, made.last_status, made.last_answer) == ("delivered", 200, "thanks")

    def test_goes_to_those_who_asked_for_the_event_only(
        self, owner, receiver, record, dispatch, bodies, now
    ):
        for events in (["show.created"], ["show.deleted", "episode.created"]):
            register_endpoint(account=owner, url=receiver.url("/hook"), events=events, now=now)

        record("show.created")
        record("show.updated")
        dispatch()

        assert [one["event"] for one in bodies()] == ["show.created"]
        assert Event.objects.filter(fanned_out_at__isnull=True).count() == 0

    def test_goes_to_no_other_account(self, endpoint, stranger_client, record, dispatch, receiver):
        stranger = type(endpoint.account).objects.exclude(pk=endpoint.account_id).get()

        record("show.created", account=stranger)
        dispatch()

        assert receiver.requests == []

    def test_of_what_happened_before_the_endpoint_was_registered_is_not_made(
        self, owner, receiver, record, clock, dispatch, endpoint
    ):
        record("show.created")
        clock.advance(seconds=1)
        register_endpoint(account=owner, url=receiver.url("/late"), events=["*"], now=clock())

        dispatch()

        assert [line.split()[1] for line in map(receiver.request_line, range(1))] == ["/hook"]
        assert len(receiver.requests) == 1

    def test_is_signed_with_both_secrets_after_a_rotation_and_with_one_after_the_overlap(
        self, owner, endpoint, receiver, record, dispatch, clock
    ):
        old = endpoint.secret
        new = rotate_secret(account=owner, endpoint_id=endpoint.pk, now=clock()).secret

        record()
        dispatch()
        clock.advance(hours=25)
        record()
        dispatch()

        first, second = receiver.request_headers(0), receiver.request_headers(1)
        body = receiver.requests[0].split(b"\r\n\r\n", 1)[1]
        assert first["x-podclaw-signature"] == podclaw_signature(new, body)
        assert first["x-podclaw-signature-previous"] == podclaw_signature(old, body)
        assert len(first["webhook-signature"].split()) == 2
        assert "x-podclaw-signature-previous" not in second
        assert len(second["webhook-signature"].split()) == 1


class TestFailure:
    @pytest.mark.parametrize(
        ("reply", "status", "error"),
        [
            (answer(b"oops", status="500 Broken"), 500, ""),
            (answer(b"", status="404 Not Found"), 404, ""),
            (redirect("/elsewhere"), 302, ""),
            (redirect("/elsewhere", "308 Permanent Redirect"), 308, ""),
            (b"not http at all\r\n\r\n", None, "response_unreadable"),
            (b"", None, "response_unreadable"),
        ],
    )
    def test_is_logged_and_tried_again(
        self, endpoint, receiver, record, dispatch, clock, reply, status, error
    ):
        receiver.routes["/hook"] = reply
        record()

        dispatch()

        made = one_delivery()
        assert (made.state, made.attempts, made.last_status) == ("waiting", 1, status)
        assert made.last_error == error
        assert timedelta(seconds=5) <= made.due_at - clock() <= timedelta(seconds=6)
        assert len(receiver.requests) == 1
        endpoint.refresh_from_db()
        assert endpoint.failing_since == clock()

    def test_ends_with_a_success_under_the_same_id_and_with_the_same_bytes(
        self, endpoint, receiver, record, dispatch, clock
    ):
        receiver.routes["/hook"] = answer(status="503 Later")
        record("episode.created", text="x")
        dispatch()
        receiver.routes["/hook"] = answer(status="204 No Content")
        clock.advance(seconds=7)

        dispatch()

        made = one_delivery()
        first, second = (one.split(b"\r\n\r\n", 1)[1] for one in receiver.requests)
        assert first == second
        assert (made.state, made.attempts) == ("delivered", 2)
        assert list(made.attempt_log.order_by("pk").values_list("status", flat=True)) == [503, 204]
        endpoint.refresh_from_db()
        assert endpoint.failing_since is None

    def test_is_given_up_after_ten_attempts(self, endpoint, receiver, record, dispatch, clock):
        receiver.routes["/hook"] = answer(status="500 Broken")
        record()

        for _ in range(9):
            dispatch()
            assert one_delivery().state == "waiting"
            clock.now = one_delivery().due_at
        dispatch()

        made = one_delivery()
        assert (made.attempts, made.state) == (10, "failed")
        assert len(receiver.requests) == 10
        assert made.attempt_log.count() == 10

    def test_waits_as_long_as_the_endpoint_asks(self, endpoint, receiver, record, dispatch, clock):
        receiver.routes["/hook"] = answer(
            status="429 Too Many Requests", headers={"Retry-After": "3600"}
        )
        record()

        dispatch()

        assert one_delivery().due_at - clock() == timedelta(hours=1)

    def test_keeps_2048_characters_of_the_answer_without_control_characters(
        self, endpoint, receiver, record, dispatch
    ):
        receiver.routes["/hook"] = answer(b"\x00\xff" + "é".encode() * 50_000, status="500 Broken")
        record()

        dispatch()

        kept = one_delivery().last_answer
        assert len(kept) == 2_048
        assert "\x00" not in kept
        assert kept.endswith("é")

    def test_of_an_address_that_became_private_is_named(
        self, endpoint, record, dispatch, settings, receiver
    ):
        settings.OUTBOUND_ALLOW = []
        Endpoint.objects.update(url=receiver.url("/hook").replace("http://", "https://"))
        record()

        dispatch()

        assert one_delivery().last_error == "address_refused"
        assert receiver.requests == []


class TestSwitchingOff:
    def test_follows_410_at_once_and_tells_the_other_endpoints(
        self, owner, endpoint, receiver, record, dispatch, bodies, now
    ):
        receiver.routes["/gone"] = answer(status="410 Gone")
        gone = register_endpoint(
            account=owner, url=receiver.url("/gone"), events=["show.created"], now=now
        )

        record("show.created")
        dispatch()

        gone.refresh_from_db()
        assert (gone.is_active, gone.disabled_reason) == (False, "gone")
        assert gone.deliveries.get().state == "failed"
        told = [one for one in bodies() if one["event"] == "webhook.disabled"]
        assert [one["data"]["id"] for one in told] == [gone.pk]
        assert told[0]["data"]["reason"] == "gone"
        assert told[0]["data"]["failing_since"] == "2026-03-14T12:00:00.000Z"

    def test_follows_five_days_without_a_success(
        self, owner, endpoint, receiver, record, dispatch, bodies, clock, now
    ):
        receiver.routes["/bad"] = answer(status="500 Broken")
        bad = register_endpoint(
            account=owner, url=receiver.url("/bad"), events=["show.created"], now=now
        )

        for _ in range(5):
            record("show.created")
            dispatch()
            clock.advance(hours=23)
        bad.refresh_from_db()
        still_on = bad.is_active
        clock.advance(hours=6)
        dispatch()

        bad.refresh_from_db()
        assert still_on
        assert (bad.is_active, bad.disabled_reason) == (False, "failing")
        assert bad.failing_since == now
        assert not bad.deliveries.open().exists()
        assert bodies()[-1]["event"] == "webhook.disabled"

    def test_does_not_follow_five_days_with_a_success_between(
        self, endpoint, receiver, record, dispatch, clock
    ):
        for day in range(12):
            good = day % 3 == 2
            receiver.routes["/hook"] = answer(status="200 OK" if good else "500 Broken")
            record("show.created")
            dispatch()
            clock.advance(hours=24)

        endpoint.refresh_from_db()
        assert endpoint.is_active

    def test_by_the_owner_cancels_what_waits(
        self, owner, endpoint, receiver, record, dispatch, clock
    ):
        receiver.routes["/hook"] = answer(status="500 Broken")
        record()
        dispatch()

        update_endpoint(
            account=owner, endpoint_id=endpoint.pk, changes={"is_active": False}, now=clock()
        )
        record()
        clock.advance(hours=1)
        dispatch()

        assert len(receiver.requests) == 1
        assert one_delivery().state == "cancelled"


class TestLease:
    def test_keeps_others_off_until_it_ends(self, endpoint, record, now):
        record()
        fan_out(now=now)
        pk = one_delivery().pk

        first = claim([pk], now=now)

        assert len(first) == 1
        assert claim([pk], now=now + LEASE / 2) == []
        assert len(claim([pk], now=now + LEASE)) == 1

    def test_that_was_lost_records_nothing(self, endpoint, record, now):
        record()
        fan_out(now=now)
        [slow] = claim([one_delivery().pk], now=now)
        [fast] = claim([one_delivery().pk], now=now + LEASE)
        good = Answer(started_at=now, milliseconds=1, status=200, error="", text="")
        bad = Answer(started_at=now, milliseconds=1, status=500, error="", text="")

        assert record_answer(fast, good, now=now, chance=0)
        assert not record_answer(slow, bad, now=now, chance=0)

        assert one_delivery().state == "delivered"
        assert Attempt.objects.count() == 1

    def test_outlives_the_longest_send(self):
        from webhooks.sending import SEND_SECONDS  # noqa: PLC0415 - read next to its use
        from webhooks.targets import LOOKUP_SECONDS  # noqa: PLC0415

        assert LEASE.total_seconds() > SEND_SECONDS + LOOKUP_SECONDS

    def test_is_taken_once_by_many_at_a_time(self, endpoint, record, now):
        for _ in range(20):
            record()
        fan_out(now=now)
        pks = list(Delivery.objects.values_list("pk", flat=True))
        taken, barrier = [], threading.Barrier(4)

        def take():
            try:
                barrier.wait(100)
                taken.extend(one.delivery_pk for one in claim(pks, now=now))
            finally:
                connection.close()

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(taken) == sorted(pks)


class TestFanOut:
    def test_run_by_many_at_a_time_makes_each_delivery_once(self, endpoint, record, now):
        for _ in range(30):
            record()
        barrier = threading.Barrier(4)

        def run():
            try:
                barrier.wait(100)
                fan_out(now=now)
            finally:
                connection.close()

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert Delivery.objects.count() == 30
        assert fan_out(now=now) == 0


class TestSlowEndpoint:
    def test_delays_no_other(self, owner, receiver, record, clock, now, monkeypatch):
        # Longer than all others take together, on whatever machine.
        monkeypatch.setattr("webhooks.sending.SEND_SECONDS", 200.0)
        hang = threading.Event()

        def hanging(connection):
            hang.wait(200)
            connection.sendall(answer())

        receiver.routes["/slow"] = hanging
        for path, number in (("/slow", 1), ("/hook", 30)):
            for _ in range(number):
                register_endpoint(account=owner, url=receiver.url(path), events=["*"], now=now)
        for _ in range(6):
            record()
        runner = threading.Thread(target=lambda: _run(Dispatcher(clock=clock, linger=0)))
        runner.start()

        wait_until(lambda: Delivery.objects.filter(state="delivered").count() == 180)

        waiting = Delivery.objects.open()
        assert {one.endpoint.url for one in waiting} == {receiver.url("/slow")}
        assert waiting.count() == 6
        assert waiting.filter(state="sending").count() == 4
        hang.set()
        runner.join()
        assert not Delivery.objects.open().exists()

    def test_with_a_long_queue_hides_no_other(self, owner, endpoint, receiver, record, now):
        for _ in range(250):
            record("show.created")
        fan_out(now=now)
        later = now + timedelta(seconds=1)
        other = register_endpoint(
            account=owner, url=receiver.url("/other"), events=["show.deleted"], now=now
        )
        record("show.deleted")
        fan_out(now=later)

        first = due_deliveries(now=later, limit=200, busy=[])
        without = due_deliveries(now=later, limit=200, busy=[endpoint.pk])

        assert {one for _, one, _ in first} == {endpoint.pk}
        assert [one for _, one, _ in without] == [other.pk]


class TestReceiverThatFailsEveryThirdCall:
    def test_gets_every_event_once_delivered(
        self, endpoint, receiver, record, dispatch, clock, bodies
    ):
        receiver.routes["/hook"] = failing_every(3)
        made = {str(record("episode.published", number=number).uuid) for number in range(60)}

        for _ in range(9):
            dispatch()
            clock.advance(hours=25)

        delivered = Delivery.objects.filter(state="delivered")
        assert delivered.count() == len(made) == 60
        assert {one["delivery_id"] for one in bodies()} == {
            str(one) for one in delivered.values_list("uuid", flat=True)
        }
        assert {one["data"]["number"] for one in bodies()} == set(range(60))
        assert Attempt.objects.filter(status=500).count() == len(receiver.requests) - 60 > 0


class TestRinging:
    def test_starts_a_thread_that_sends_and_ends_when_it_is_stopped(
        self, endpoint, receiver, record, transactional_db
    ):
        running = Dispatcher(linger=30)
        record()

        running.ring()
        running.ring()
        wait_until(lambda: Delivery.objects.filter(state="delivered").exists())
        record()
        running.ring()
        wait_until(lambda: Delivery.objects.filter(state="delivered").count() == 2)
        running.stop(wait=100)

        assert len(receiver.requests) == 2
        # With nothing left to send it may have been on its way out before it was stopped.
        wait_until(lambda: "webhooks-dispatcher" not in [one.name for one in threading.enumerate()])

    def test_a_stopped_one_claims_nothing(self, endpoint, receiver, record):
        stopped = Dispatcher()
        stopped.stop(wait=0)
        record()

        stopped.ring()

        time.sleep(0.1)
        assert receiver.requests == []

    def test_goes_on_after_a_breakdown(self, endpoint, receiver, record, monkeypatch):
        def break_down(**_):
            raise RuntimeError("no database")

        running = Dispatcher(linger=0)
        record()
        with monkeypatch.context() as patch:
            patch.setattr("webhooks.dispatcher.fan_out", break_down)
            running.ring()
            wait_until(lambda: running._thread is None)

        running.ring()

        wait_until(lambda: Delivery.objects.filter(state="delivered").exists())
        running.stop(wait=100)


class TestSend:
    def test_counts_a_bug_as_a_failed_attempt(self, endpoint, record, now, monkeypatch):
        record()
        fan_out(now=now)
        [outgoing] = claim([one_delivery().pk], now=now)

        def bug(*_, **__):
            raise ZeroDivisionError

        monkeypatch.setattr("webhooks.sending.fetch", bug)

        assert send(outgoing, now=now).error == "internal"


def _run(running):
    try:
        running.run()
    finally:
        connection.close()
