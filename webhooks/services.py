"""What owners do with endpoints, and the outbox that other apps write events into.

An endpoint's row is always locked before its deliveries, so that no two changes wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, QuerySet

from accounts.models import Account
from core.addresses import Resolver, resolve_by_system
from core.errors import Conflict, Invalid, NotFound, QuotaExceeded
from core.prepared import Given, Prepared, PreparedInsert
from core.queue import enqueue
from webhooks.event_types import SELECTABLE, EventType
from webhooks.models import Delivery, Endpoint, Event
from webhooks.signing import new_secret
from webhooks.states import DeliveryState, DisabledReason
from webhooks.targets import check_target

MAX_ENDPOINTS = 500
#: Events that one replay may send; a longer time is replayed in several calls.
MAX_REPLAYED = 10_000
OVERLAP = timedelta(hours=24)
UPDATABLE = ("url", "events", "is_active")
_LISTENING = Prepared(
    lambda: (
        Endpoint.objects.active()
        .filter(account_id=Given("account", BigIntegerField()))
        .only("pk")[:1]
    )
)
_NEW_EVENTS = PreparedInsert(Event)


class EndpointNotFound(NotFound):
    """No such endpoint in this account."""

    code = "webhook_not_found"


class DeliveryNotFound(NotFound):
    """No such delivery in this account."""

    code = "delivery_not_found"


class UnknownEvent(Invalid):
    """An event that does not exist, or an empty list."""

    code = "unknown_event"


class NothingToUpdate(Invalid):
    """The request names no field that can be changed."""

    code = "nothing_to_update"


class EndpointLimitReached(QuotaExceeded):
    """The account has as many endpoints as one may have."""

    code = "webhook_limit_reached"


class EndpointDisabled(Conflict):
    """The endpoint is off, so nothing can be sent to it."""

    code = "webhook_disabled"


class DeliveryUnderWay(Conflict):
    """The delivery is being sent at this moment."""

    code = "delivery_under_way"


class ReplayTooLarge(Invalid):
    """More events than one replay may send."""

    code = "replay_too_large"


def record_event(
    *,
    account: Account,
    type: EventType,  # noqa: A002 - what it is called everywhere
    data: Mapping[str, object],
    now: datetime,
) -> Event:
    """Write what happened into the outbox; demands the transaction of the change itself.

    After its commit a worker tells all endpoints of the account that asked for such events.
    """
    return record_events(account=account, types=[type], data=data, now=now)[0]


def record_events(
    *, account: Account, types: Sequence[EventType], data: Mapping[str, object], now: datetime
) -> list[Event]:
    """As `record_event`, for several events that one change made of the same object, in order."""
    _demand_transaction()
    somebody_listens = _LISTENING.first(account=account.pk) is not None
    events = [
        Event(
            account=account,
            type=event_type,
            data=dict(data),
            occurred_at=now,
            fanned_out_at=None if somebody_listens else now,
        )
        for event_type in types
    ]
    _NEW_EVENTS.save(*events)
    if somebody_listens:
        enqueue("webhooks.dispatch")
    return events


def get_endpoint(*, account: Account, endpoint_id: int) -> Endpoint:
    """The one door to an endpoint. Raises `EndpointNotFound`."""
    endpoint = Endpoint.objects.visible_to(account).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound("Webhook not found")
    return endpoint


def register_endpoint(
    *,
    account: Account,
    url: str,
    events: Sequence[str],
    now: datetime,
    resolve: Resolver = resolve_by_system,
) -> Endpoint:
    """Register an endpoint with a new secret, which only this answer may show.

    Raises `UnknownEvent`, `targets.TargetRefused`, `EndpointLimitReached`.
    """
    wanted = check_events(events)
    check_target(url, allow=settings.OUTBOUND_ALLOW, resolve=resolve)
    with transaction.atomic(durable=True):
        # The account's row makes parallel registrations count one after the other.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if Endpoint.objects.filter(account=account).count() >= MAX_ENDPOINTS:
            raise EndpointLimitReached(f"An account can have {MAX_ENDPOINTS} webhooks.")
        return Endpoint.objects.create(
            account=account,
            url=url,
            events=wanted,
            secret=new_secret(),
            created_at=now,
            updated_at=now,
        )


def update_endpoint(
    *,
    account: Account,
    endpoint_id: int,
    changes: Mapping[str, object],
    now: datetime,
    resolve: Resolver = resolve_by_system,
) -> Endpoint:
    """Change URL or events, or switch on or off; off cancels what waits, on begins anew.

    Raises `EndpointNotFound`, `NothingToUpdate`, `UnknownEvent`, `targets.TargetRefused`.
    """
    wanted = {name: value for name, value in changes.items() if name in UPDATABLE}
    if not wanted:
        raise NothingToUpdate(f"Nothing to update: send one or more of {', '.join(UPDATABLE)}.")
    if "events" in wanted:
        wanted["events"] = check_events(wanted["events"])  # type: ignore[arg-type] # checked there
    get_endpoint(account=account, endpoint_id=endpoint_id)
    if "url" in wanted:
        check_target(str(wanted["url"]), allow=settings.OUTBOUND_ALLOW, resolve=resolve)
    with transaction.atomic(durable=True):
        endpoint = lock_endpoint(account=account, endpoint_id=endpoint_id)
        if "url" in wanted and wanted["url"] != endpoint.url:
            endpoint.url = str(wanted["url"])
            endpoint.failing_since = None
        if "events" in wanted:
            endpoint.events = wanted["events"]
        if wanted.get("is_active") is True and not endpoint.is_active:
            endpoint.is_active = True
            endpoint.disabled_reason = DisabledReason.NONE
            endpoint.failing_since = None
        elif wanted.get("is_active") is False and endpoint.is_active:
            switch_off(endpoint, reason=DisabledReason.OWNER, now=now)
        endpoint.updated_at = now
        endpoint.save()
    return endpoint


def delete_endpoint(*, account: Account, endpoint_id: int) -> None:
    """Delete the endpoint with its log. Raises `EndpointNotFound`."""
    with transaction.atomic(durable=True):
        lock_endpoint(account=account, endpoint_id=endpoint_id).delete()


def rotate_secret(
    *, account: Account, endpoint_id: int, now: datetime, overlap: timedelta = OVERLAP
) -> Endpoint:
    """Give the endpoint a new secret; the previous one signs too until the overlap ends.

    Raises `EndpointNotFound`.
    """
    with transaction.atomic(durable=True):
        endpoint = lock_endpoint(account=account, endpoint_id=endpoint_id)
        if overlap > timedelta():
            endpoint.previous_secret, endpoint.previous_secret_until = (
                endpoint.secret,
                now + overlap,
            )
        else:
            endpoint.previous_secret, endpoint.previous_secret_until = "", None
        endpoint.secret = new_secret()
        endpoint.updated_at = now
        endpoint.save()
    return endpoint


def ping_endpoint(*, account: Account, endpoint_id: int, now: datetime) -> Delivery:
    """Send a test event to this endpoint alone, tried once. Raises `EndpointDisabled`."""
    with transaction.atomic(durable=True):
        endpoint = _locked_active(account=account, endpoint_id=endpoint_id)
        event = Event.objects.create(
            account=account,
            type=EventType.WEBHOOK_PING,
            data={"webhook_id": endpoint.pk, "message": "This is a test."},
            occurred_at=now,
            fanned_out_at=now,
        )
        delivery = Delivery.objects.create(
            event=event, endpoint=endpoint, due_at=now, created_at=now
        )
        enqueue("webhooks.dispatch")
    return delivery


def redeliver(*, account: Account, delivery_id: UUID, now: datetime) -> Delivery:
    """Queue a delivery again under its old `delivery_id`, with all its attempts.

    Raises `DeliveryNotFound`, `EndpointDisabled`, `DeliveryUnderWay`.
    """
    with transaction.atomic(durable=True):
        found = Delivery.objects.visible_to(account).filter(uuid=delivery_id)
        endpoint_id = found.values_list("endpoint_id", flat=True).first()
        if endpoint_id is None:
            raise DeliveryNotFound("Delivery not found")
        _locked_active(account=account, endpoint_id=endpoint_id)
        again = _queue_again(Delivery.objects.filter(uuid=delivery_id), now=now)
        if not again:
            raise DeliveryUnderWay("This delivery is being sent right now.")
        enqueue("webhooks.dispatch")
        return found.select_related("event").get()


def replay(*, account: Account, endpoint_id: int, since: datetime, now: datetime) -> int:
    """Send all kept events since `since` that the endpoint asks for, again or for the first time.

    Each keeps its `delivery_id`; what is under way anyway is left alone. Returns how many are
    queued. Raises `EndpointNotFound`, `EndpointDisabled`, `ReplayTooLarge`.
    """
    with transaction.atomic(durable=True):
        endpoint = _locked_active(account=account, endpoint_id=endpoint_id)
        happened = (
            Event.objects.filter(account=account, occurred_at__gte=since)
            .exclude(type=EventType.WEBHOOK_PING)
            .order_by("pk")
            .values_list("pk", "type")
        )
        wanted = [pk for pk, event_type in happened.iterator() if endpoint.wants(event_type)]
        if len(wanted) > MAX_REPLAYED:
            raise ReplayTooLarge(
                f"since: {len(wanted):,} events happened since then, and at most {MAX_REPLAYED:,} "
                "are replayed at once; give a later time.",
                field="since",
            )
        queued = 0
        for start in range(0, len(wanted), 500):
            chunk = wanted[start : start + 500]
            queued += _queue_again(
                Delivery.objects.filter(endpoint=endpoint, event__in=chunk), now=now
            )
            known = set(
                Delivery.objects.filter(endpoint=endpoint, event__in=chunk).values_list(
                    "event_id", flat=True
                )
            )
            made = [pk for pk in chunk if pk not in known]
            make_deliveries([(pk, endpoint.pk) for pk in made], now=now)
            queued += len(made)
        enqueue("webhooks.dispatch")
    return queued


def disable_by_operator(*, endpoint_ids: Sequence[int], now: datetime) -> int:
    """Switch endpoints of any account off; returns how many were on."""
    with transaction.atomic(durable=True):
        endpoints = Endpoint.objects.active().filter(pk__in=endpoint_ids)
        locked = list(endpoints.select_for_update().order_by("pk"))
        for endpoint in locked:
            switch_off(endpoint, reason=DisabledReason.OPERATOR, now=now)
            endpoint.updated_at = now
            endpoint.save()
    return len(locked)


def make_deliveries(pairs: Sequence[tuple[int, int]], *, now: datetime) -> None:
    """Queue a delivery for each (event, endpoint) that has none; demands an open transaction."""
    _demand_transaction()
    Delivery.objects.bulk_create(
        (
            Delivery(event_id=event, endpoint_id=endpoint, due_at=now, created_at=now)
            for event, endpoint in pairs
        ),
        ignore_conflicts=True,
        batch_size=500,
    )


def switch_off(endpoint: Endpoint, *, reason: DisabledReason, now: datetime) -> None:
    """Switch a locked endpoint off and cancel what waits for it; the caller saves it."""
    endpoint.is_active = False
    endpoint.disabled_reason = reason
    endpoint.deliveries.open().release(state=DeliveryState.CANCELLED, finished_at=now)


def check_events(events: Sequence[str]) -> list[str]:
    """The events without repeats, in the order given. Raises `UnknownEvent`."""
    unknown = [name for name in events if name not in SELECTABLE]
    if unknown or not events:
        reason = f'"{unknown[0][:100]}" is not an event' if unknown else "the list is empty"
        raise UnknownEvent(
            f"events: {reason}; choose from {', '.join(SELECTABLE)}.", field="events"
        )
    return list(dict.fromkeys(events))


def lock_endpoint(*, account: Account, endpoint_id: int) -> Endpoint:
    """The endpoint, held until the transaction ends. Raises `EndpointNotFound`."""
    found = Endpoint.objects.visible_to(account).select_for_update().filter(pk=endpoint_id).first()
    if found is None:
        raise EndpointNotFound("Webhook not found")
    return found


def _locked_active(*, account: Account, endpoint_id: int) -> Endpoint:
    endpoint = lock_endpoint(account=account, endpoint_id=endpoint_id)
    if not endpoint.is_active:
        raise EndpointDisabled(
            'The webhook is switched off; switch it on with PATCH {"is_active": true}.'
        )
    return endpoint


def _queue_again(deliveries: QuerySet[Delivery], *, now: datetime) -> int:
    """Make deliveries due now, with all attempts before them, but for those being sent."""
    return deliveries.exclude(state=DeliveryState.SENDING).update(
        state=DeliveryState.WAITING, due_at=now, attempts=0, finished_at=None
    )


def _demand_transaction() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("An event is recorded with its change.")
