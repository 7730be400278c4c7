"""The queue's side of deliveries: making them from events, claiming them, recording how they ended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from core.times import iso_milliseconds
from webhooks.event_types import EventType
from webhooks.models import Attempt, Delivery, Endpoint, Event
from webhooks.schedule import retry_at
from webhooks.sending import Answer, Outgoing, body_of
from webhooks.services import make_deliveries, record_event, switch_off
from webhooks.states import DeliveryState, DisabledReason

log = structlog.get_logger(__name__)

#: Longer than the longest send (sending.SEND_SECONDS and the look-up before it).
LEASE = timedelta(seconds=30)
#: An endpoint that has failed for so long is switched off.
PATIENCE = timedelta(days=5)
#: Events, their deliveries and the log are kept for so long.
KEPT = timedelta(days=30)
_EVENTS_AT_A_TIME = 100


def fan_out(*, now: datetime) -> int:
    """Make the deliveries of events that have none yet; returns how many events these were."""
    done = 0
    while True:
        with transaction.atomic(durable=True):
            events = list(
                Event.objects.not_fanned_out().select_for_update(skip_locked=True)[
                    :_EVENTS_AT_A_TIME
                ]
            )
            if not events:
                return done
            # Locked, so that none of them is deleted or switched off before its deliveries are there.
            endpoints = list(
                Endpoint.objects.active()
                .filter(account__in={event.account_id for event in events})
                .select_for_update(no_key=True)
                .order_by("pk")
            )
            make_deliveries(
                [
                    (event.pk, endpoint.pk)
                    for event in events
                    for endpoint in endpoints
                    if _is_told(endpoint, event)
                ],
                now=now,
            )
            Event.objects.filter(pk__in=[event.pk for event in events]).update(fanned_out_at=now)
        done += len(events)


def due_deliveries(
    *, now: datetime, limit: int, busy: Collection[int]
) -> list[tuple[int, int, bool]]:
    """(delivery, endpoint, whether it is failing) that can be claimed, but none to `busy` endpoints."""
    rows = (
        Delivery.objects.claimable(now=now)
        .not_to(busy)
        .longest_due_first()
        .values_list("pk", "endpoint_id", "endpoint__failing_since")[:limit]
    )
    return [(pk, endpoint, failing is not None) for pk, endpoint, failing in rows]


def next_due_at(*, busy: Collection[int]) -> datetime | None:
    """When the next delivery to another than the `busy` endpoints is due or abandoned."""
    rows = Delivery.objects.open().not_to(busy).longest_due_first()
    return rows.values_list("due_at", flat=True).first()


def claim(delivery_pks: Sequence[int], *, now: datetime) -> list[Outgoing]:
    """Take those deliveries that no other worker has taken meanwhile."""
    with transaction.atomic(durable=True):
        free = Delivery.objects.claimable(now=now).filter(pk__in=delivery_pks)
        locked = list(
            free.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True)
        )
        # Whoever asks when the next one is due finds the end of its lease.
        lease = free.filter(pk__in=locked).claim(
            now=now, lasting=LEASE, state=DeliveryState.SENDING, due_at=now + LEASE
        )
        if lease is None:
            return []
        rows = Delivery.objects.filter(lease=lease, pk__in=locked)
        return [
            _outgoing(row, now=now)
            for row in rows.select_related("event", "endpoint").order_by("pk")
        ]


def record_answer(outgoing: Outgoing, answer: Answer, *, now: datetime, chance: float) -> bool:
    """Store how an attempt ended and what follows; False when the delivery is not ours any more.

    `chance` is a random number from 0 to 1 that spreads the retries.
    """
    with transaction.atomic(durable=True):
        endpoint = Endpoint.objects.select_for_update().filter(pk=outgoing.endpoint_id).first()
        held = Delivery.objects.held(pk=outgoing.delivery_pk, lease=outgoing.lease)
        if endpoint is None or not held.release(
            last_status=answer.status,
            last_error=answer.error,
            last_answer=answer.text,
            **_what_follows(outgoing, answer, now=now, chance=chance),
        ):
            return False
        Attempt.objects.create(
            delivery_id=outgoing.delivery_pk,
            started_at=answer.started_at,
            milliseconds=answer.milliseconds,
            status=answer.status,
            error=answer.error,
            answer=answer.text,
        )
        _judge(endpoint, answer, now=now)
    return True


def forget_old(*, now: datetime, limit: int = 2_000) -> int:
    """Delete events, deliveries and attempts older than KEPT, and secrets whose overlap is over."""
    Endpoint.objects.filter(previous_secret_until__lte=now).update(
        previous_secret="", previous_secret_until=None
    )
    old = list(Event.objects.finished_before(now - KEPT).values_list("pk", flat=True)[:limit])
    for start in range(0, len(old), 500):
        Event.objects.filter(pk__in=old[start : start + 500]).delete()
    return len(old)


def _is_told(endpoint: Endpoint, event: Event) -> bool:
    return (
        endpoint.account_id == event.account_id
        and endpoint.created_at <= event.occurred_at
        and endpoint.wants(event.type)
    )


def _outgoing(delivery: Delivery, *, now: datetime) -> Outgoing:
    return Outgoing(
        delivery_pk=delivery.pk,
        lease=delivery.lease,
        endpoint_id=delivery.endpoint_id,
        attempts=delivery.attempts,
        event_type=delivery.event.type,
        message_id=str(delivery.uuid),
        url=delivery.endpoint.url,
        secrets=delivery.endpoint.secrets(now),
        body=body_of(delivery),
    )


def _what_follows(
    outgoing: Outgoing, answer: Answer, *, now: datetime, chance: float
) -> dict[str, object]:
    if answer.is_success:
        return {"state": DeliveryState.DELIVERED, "finished_at": now}
    again = None
    # A ping answers a person who is looking now; nobody waits for it tomorrow.
    if outgoing.event_type != EventType.WEBHOOK_PING and not answer.is_gone:
        again = retry_at(
            attempts=outgoing.attempts, now=now, asked_for=answer.retry_after, chance=chance
        )
    if again is None:
        return {"state": DeliveryState.FAILED, "finished_at": now}
    return {"state": DeliveryState.WAITING, "due_at": again}


def _judge(endpoint: Endpoint, answer: Answer, *, now: datetime) -> None:
    """Remember since when a locked endpoint fails, and switch it off when that is too long."""
    if answer.is_success:
        if endpoint.failing_since is not None:
            endpoint.failing_since = None
            endpoint.save(update_fields=["failing_since"])
        return
    if not endpoint.is_active:
        return
    endpoint.failing_since = endpoint.failing_since or now
    if answer.is_gone:
        _give_up(endpoint, DisabledReason.GONE, now=now)
    elif now - endpoint.failing_since >= PATIENCE:
        _give_up(endpoint, DisabledReason.FAILING, now=now)
    endpoint.save(update_fields=["failing_since", "is_active", "disabled_reason", "updated_at"])


def _give_up(endpoint: Endpoint, reason: DisabledReason, *, now: datetime) -> None:
    switch_off(endpoint, reason=reason, now=now)
    endpoint.updated_at = now
    # Saved by the caller; inactive already here, so that its own end is not announced to it.
    Endpoint.objects.filter(pk=endpoint.pk).update(is_active=False, disabled_reason=reason)
    record_event(
        account=endpoint.account,
        type=EventType.WEBHOOK_DISABLED,
        data={
            "id": endpoint.pk,
            "url": endpoint.url,
            "reason": str(reason),
            "failing_since": iso_milliseconds(endpoint.failing_since or now),
        },
        now=now,
    )
    log.warning("endpoint_disabled", endpoint=endpoint.pk, reason=str(reason))
