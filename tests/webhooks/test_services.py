from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from episodes.schedule import publish_due
from episodes.services import delete_episode, update_episode
from shows.services import (
    ShowDraft,
    SlugTaken,
    create_show,
    delete_show,
    ensure_narration_show,
    update_show,
)
from tests.factories.published import publish_external, publish_produced
from webhooks import services
from webhooks.delivering import forget_old
from webhooks.models import Delivery, Endpoint, Event
from webhooks.services import (
    DeliveryNotFound,
    DeliveryUnderWay,
    EndpointDisabled,
    EndpointLimitReached,
    EndpointNotFound,
    ReplayTooLarge,
    delete_endpoint,
    disable_by_operator,
    ping_endpoint,
    record_event,
    redeliver,
    register_endpoint,
    replay,
    rotate_secret,
    update_endpoint,
)


def happened():
    return list(Event.objects.order_by("pk").values_list("type", flat=True))


@pytest.fixture
def fresh(show):
    """From here on only what the test itself does has happened."""
    Event.objects.all().delete()
    return show


class TestWhichChangeFiresWhat:
    def test_shows(self, owner, now):
        made = create_show(account=owner, draft=ShowDraft(title="Show"), now=now)
        update_show(account=owner, show_id=made.pk, changes={"title": "New"}, now=now)
        delete_show(account=owner, show_id=made.pk, now=now)

        assert happened() == ["show.created", "show.updated", "show.deleted"]
        assert [one.data["title"] for one in Event.objects.order_by("pk")] == ["Show", "New", "New"]

    def test_the_show_of_narrations(self, owner, now):
        for _ in range(2):
            with transaction.atomic():
                ensure_narration_show(account=owner, now=now)

        assert happened() == ["show.created"]
        assert "feed_token" not in str(Event.objects.get().data)

    @pytest.mark.parametrize(
        ("fields", "fired"),
        [
            ({"status": "draft"}, ["episode.created"]),
            ({"status": "scheduled", "publish_at": "later"}, ["episode.created"]),
            ({}, ["episode.created", "episode.published"]),
        ],
    )
    def test_new_episodes(self, owner, fresh, now, fields, fired):
        if "publish_at" in fields:
            fields = fields | {"publish_at": now + timedelta(hours=1)}

        made = publish_external(owner, fresh, now=now, **fields)

        assert happened() == fired
        data = Event.objects.last().data
        assert (data["id"], data["show_id"], data["guid"]) == (made.pk, fresh.pk, str(made.guid))
        assert (data["title"], data["status"]) == (made.title, made.state)
        assert "publish_at" in data

    def test_the_schedule(self, owner, fresh, now):
        publish_external(owner, fresh, now=now, publish_at=now + timedelta(hours=1))
        later = now + timedelta(hours=2)

        for _ in range(2):
            publish_due(now=later)

        assert happened() == ["episode.created", "episode.published"]
        flip = Event.objects.last()
        assert flip.occurred_at == later
        assert flip.data["status"] == "published"
        assert flip.data["publish_at"] == "2026-03-14T13:00:00.000Z"

    def test_changes_of_episodes(self, owner, fresh, now):
        made = publish_external(owner, fresh, now=now, status="draft")

        for changes in ({"title": "New"}, {"status": "published"}, {"title": "Newer"}):
            update_episode(account=owner, episode_id=made.pk, changes=changes, now=now)
        delete_episode(account=owner, episode_id=made.pk, now=now)

        assert happened() == [
            "episode.created",
            "episode.updated",
            "episode.updated",
            "episode.published",
            "episode.updated",
            "episode.deleted",
        ]
        assert Event.objects.last().data["guid"] == str(made.guid)

    def test_a_show_with_episodes_is_deleted_with_one_event(self, owner, fresh, now):
        for _ in range(3):
            publish_external(owner, fresh, now=now)
        Event.objects.all().delete()

        delete_show(account=owner, show_id=fresh.pk, now=now)

        assert happened() == ["show.deleted"]

    @pytest.mark.parametrize(
        ("publish", "last"), [(True, "episode.published"), (False, "episode.updated")]
    )
    def test_finished_productions(self, owner, fresh, now, publish, last):
        publish_produced(owner, fresh, now=now, publish=publish)

        assert happened() == ["episode.created", last]
        assert Event.objects.last().data["audio_length"] > 0

    def test_refused_changes_fire_nothing(self, owner, fresh, now):
        with pytest.raises(SlugTaken):
            create_show(account=owner, draft=ShowDraft(title="X", slug=fresh.slug), now=now)

        assert happened() == []


class TestRecordEvent:
    def test_demands_the_transaction_of_the_change(self, owner, now):
        with pytest.raises(transaction.TransactionManagementError):
            record_event(account=owner, type="show.created", data={}, now=now)

    def test_is_gone_when_the_change_is_rolled_back(self, owner, now):
        with transaction.atomic():
            record_event(account=owner, type="show.created", data={}, now=now)
            transaction.set_rollback(True)

        assert happened() == []

    def test_rings_only_when_somebody_listens(self, owner, endpoint, record, monkeypatch):
        rung = []
        monkeypatch.setattr(services, "enqueue", rung.append)

        record()
        Endpoint.objects.all().delete()
        silent = record()

        assert rung == ["webhooks.dispatch"]
        assert silent.fanned_out_at is not None


class TestRegisterEndpoint:
    def test_stops_at_the_limit_even_in_parallel(self, owner, receiver, now, monkeypatch):
        monkeypatch.setattr(services, "MAX_ENDPOINTS", 3)
        refused, barrier = [], threading.Barrier(6)

        def register():
            try:
                barrier.wait(100)
                register_endpoint(account=owner, url=receiver.url(), events=["*"], now=now)
            except EndpointLimitReached as error:
                refused.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=register) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert Endpoint.objects.count() == 3
        assert len(refused) == 3


class TestRedeliver:
    def test_sends_again_under_the_same_id(self, owner, endpoint, record, dispatch, bodies, now):
        record()
        dispatch()
        made = Delivery.objects.get()

        redeliver(account=owner, delivery_id=made.uuid, now=now)
        dispatch()

        assert [one["delivery_id"] for one in bodies()] == [str(made.uuid)] * 2

    def test_refuses_what_is_being_sent_and_what_has_no_endpoint_that_is_on(
        self, owner, endpoint, record, dispatch, now
    ):
        record()
        dispatch()
        made = Delivery.objects.get()
        Delivery.objects.update(state="waiting", due_at=now, finished_at=None)
        Delivery.objects.all().claim(now=now, lasting=timedelta(minutes=1), state="sending")
        with pytest.raises(DeliveryUnderWay):
            redeliver(account=owner, delivery_id=made.uuid, now=now)

        update_endpoint(
            account=owner, endpoint_id=endpoint.pk, changes={"is_active": False}, now=now
        )

        with pytest.raises(EndpointDisabled):
            redeliver(account=owner, delivery_id=made.uuid, now=now)
        with pytest.raises(EndpointDisabled):
            ping_endpoint(account=owner, endpoint_id=endpoint.pk, now=now)
        with pytest.raises(EndpointDisabled):
            replay(account=owner, endpoint_id=endpoint.pk, since=now, now=now)

    def test_does_not_find_a_deleted_one(self, owner, endpoint, record, dispatch, now):
        record()
        dispatch()
        made = Delivery.objects.get()
        delete_endpoint(account=owner, endpoint_id=endpoint.pk)

        with pytest.raises(DeliveryNotFound):
            redeliver(account=owner, delivery_id=made.uuid, now=now)
        with pytest.raises(EndpointNotFound):
            delete_endpoint(account=owner, endpoint_id=endpoint.pk)


class TestReplay:
    def test_sends_all_since_then_that_the_endpoint_asks_for(
        self, owner, receiver, record, dispatch, clock, bodies
    ):
        record("show.created", number=0)
        clock.advance(minutes=1)
        since = clock()
        record("show.created", number=1)  # before there was an endpoint
        clock.advance(minutes=1)
        made = register_endpoint(
            account=owner, url=receiver.url("/hook"), events=["show.created"], now=clock()
        )
        record("show.created", number=2)
        record("show.deleted", number=3)
        dispatch()

        queued = replay(account=owner, endpoint_id=made.pk, since=since, now=clock())
        dispatch()

        assert queued == 2
        assert [one["data"]["number"] for one in bodies()][:1] == [2]
        assert sorted(one["data"]["number"] for one in bodies()[1:]) == [1, 2]
        assert Delivery.objects.count() == 2

    def test_refuses_more_than_one_replay_may_send(self, owner, endpoint, record, now, monkeypatch):
        monkeypatch.setattr(services, "MAX_REPLAYED", 2)
        for _ in range(3):
            record()

        with pytest.raises(ReplayTooLarge):
            replay(account=owner, endpoint_id=endpoint.pk, since=now, now=now)


class TestPing:
    def test_goes_to_its_endpoint_alone_and_is_tried_once(
        self, owner, endpoint, receiver, dispatch, bodies, now
    ):
        register_endpoint(account=owner, url=receiver.url("/other"), events=["*"], now=now)
        receiver.routes.clear()

        made = ping_endpoint(account=owner, endpoint_id=endpoint.pk, now=now)
        dispatch()

        made.refresh_from_db()
        assert [one["event"] for one in bodies()] == ["webhook.ping"]
        assert bodies()[0]["data"]["webhook_id"] == endpoint.pk
        assert (made.state, made.last_status) == ("failed", 404)


class TestRotateSecret:
    def test_without_overlap_ends_the_previous_one_at_once(self, owner, endpoint, now):
        old = endpoint.secret

        made = rotate_secret(account=owner, endpoint_id=endpoint.pk, now=now, overlap=timedelta())

        assert made.secrets(now) == (made.secret,)
        assert old not in made.secrets(now)


class TestUpdateEndpoint:
    def test_switched_on_again_begins_anew(self, owner, endpoint, now):
        disable_by_operator(endpoint_ids=[endpoint.pk], now=now)
        Endpoint.objects.update(failing_since=now)

        made = update_endpoint(
            account=owner, endpoint_id=endpoint.pk, changes={"is_active": True}, now=now
        )

        assert (made.is_active, made.disabled_reason, made.failing_since) == (True, "", None)


class TestForgetOld:
    def test_deletes_events_after_a_month_but_none_that_is_still_to_be_told(
        self, endpoint, record, dispatch, clock, now
    ):
        record()
        dispatch()
        waiting = record()
        clock.advance(days=29)
        kept = record()
        Endpoint.objects.update(previous_secret="x", previous_secret_until=now)
        from webhooks.delivering import fan_out  # noqa: PLC0415 - only here

        fan_out(now=clock())

        forget_old(now=now + timedelta(days=31))

        assert set(Event.objects.values_list("pk", flat=True)) == {waiting.pk, kept.pk}
        assert Delivery.objects.count() == 2
        assert Endpoint.objects.get().previous_secret == ""


class TestDatabase:
    @pytest.mark.parametrize(
        ("name", "changes"),
        [
            ("endpoint_off_for_a_reason", {"is_active": False}),
            ("endpoint_off_for_a_reason", {"disabled_reason": "owner"}),
            ("endpoint_disabled_reason_known", {"is_active": False, "disabled_reason": "mood"}),
            ("endpoint_previous_secret_ends", {"previous_secret": "x"}),
        ],
    )
    def test_refuses_bad_endpoints(self, endpoint, name, changes):
        with pytest.raises(IntegrityError, match=name):
            Endpoint.objects.filter(pk=endpoint.pk).update(**changes)

    @pytest.mark.parametrize(
        ("name", "changes"),
        [
            ("delivery_state_known", {"state": "lost"}),
            ("delivery_lease_while_sending", {"state": "sending"}),
            ("delivery_finished_when_final", {"state": "waiting"}),
        ],
    )
    def test_refuses_bad_deliveries(self, endpoint, record, dispatch, name, changes):
        record()
        dispatch()

        with pytest.raises(IntegrityError, match="delivery_"):
            Delivery.objects.update(**changes)

    def test_refuses_unknown_events(self, endpoint, record):
        with pytest.raises(IntegrityError, match="event_type_known"):
            record("show.eaten")

    def test_keeps_one_delivery_of_an_event_to_an_endpoint(self, endpoint, record, dispatch, now):
        record()
        dispatch()
        made = Delivery.objects.get()

        with pytest.raises(IntegrityError):
            Delivery.objects.create(
                event=made.event, endpoint=made.endpoint, due_at=now, created_at=now
            )
