"""Events of Stripe: verified, stored once, then handled by a table in any order and any number of times."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe
import structlog
from django.db import IntegrityError, transaction

from billing.gateways.base import Gateway
from billing.models import StripeEvent
from billing.refreshing import refresh_checkout, refresh_paid
from billing.refusals import refuse_reported
from billing.states import WorkState
from billing.work import claim, finish, put_back
from core.errors import Invalid, PodwrightError
from core.queue import enqueue

log = structlog.get_logger(__name__)
#: Stripe's own libraries allow the same.
TOLERANCE_SECONDS = 300
_MAX_ID = 255
_MAX_HANDLED_AT_ONCE = 100
_LATEST_SECOND = 32_503_680_000  # the year 3000


class SignatureInvalid(Invalid):
    """Nobody who knows the webhook's secret signed these bytes within the last five minutes."""

    code = "signature_invalid"


class EventUnreadable(Invalid):
    """Signed, but not an event of Stripe."""

    code = "event_unreadable"


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """What an event says, as far as it matters: what happened to which object."""

    event_id: str
    type: str
    subject_id: str
    created_at: datetime


def receive_event(*, body: bytes, signature: str | None, secret: str, now: datetime) -> bool:
    """Verify and store an event; False when it was stored before. A worker handles it after commit.

    Raises `SignatureInvalid`, `EventUnreadable`; nothing is stored then.
    """
    event = read_event(body, signature=signature, secret=secret)
    is_handled = event.type in HANDLERS and bool(event.subject_id)
    try:
        with transaction.atomic(durable=True):
            row = StripeEvent.objects.create(
                event_id=event.event_id,
                type=event.type,
                subject_id=event.subject_id,
                created_at=event.created_at,
                received_at=now,
                state=WorkState.WAITING if is_handled else WorkState.IGNORED,
                due_at=now,
                finished_at=None if is_handled else now,
            )
            if is_handled:
                enqueue("billing.handle_event", event_id=row.pk)
    except IntegrityError:
        return False
    return True


def read_event(body: bytes, *, signature: str | None, secret: str) -> InboundEvent:
    """The event in `body`, once its signature is right. Raises `SignatureInvalid`, `EventUnreadable`.

    `secret` may be several, separated by commas: each event destination in Stripe has one.
    """
    if not any(_is_signed(body, signature, one.strip()) for one in secret.split(",")):
        raise SignatureInvalid("Stripe-Signature: no valid signature of this body.")
    try:
        return _parsed(json.loads(body))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
        raise EventUnreadable("The body is not an event of Stripe.") from None


def handle_event(*, event_pk: int, gateway: Gateway, now: datetime) -> bool:
    """Handle one stored event if it is due and free; False when there was nothing to do."""
    row = claim(StripeEvent.objects.all(), pk=event_pk, now=now)
    if row is None:
        return False
    try:
        is_ours = HANDLERS[row.type](row.subject_id, gateway=gateway, now=now)
    except PodwrightError as error:
        log.warning("stripe_event_not_handled", event_id=row.event_id, code=error.code)
        put_back(row, error=f"{error.code}: {error.message}", now=now)
    except Exception as error:
        log.exception("stripe_event_broke", event_id=row.event_id)
        put_back(row, error=type(error).__name__, now=now)
    else:
        finish(row, WorkState.DONE if is_ours else WorkState.IGNORED, now=now)
    return True


def handle_due(*, gateway: Gateway, now: datetime) -> int:
    """Handle what waits and is due; returns how many events were looked at."""
    return sum(
        handle_event(event_pk=pk, gateway=gateway, now=now)
        for pk in StripeEvent.objects.claimable_ids(now=now, limit=_MAX_HANDLED_AT_ONCE)
    )


def _is_signed(body: bytes, signature: str | None, secret: str) -> bool:
    # Anybody could sign with a secret of no characters, as a comma too many makes one.
    if not secret:
        return False
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, ValueError):
        return False
    return True


def _parsed(data: Mapping[str, Any]) -> InboundEvent:
    event_id, kind = data["id"], data["type"]
    for text in (event_id, kind):
        if not (isinstance(text, str) and 0 < len(text) <= _MAX_ID and text.isprintable()):
            raise ValueError(text)
    if data["object"] == "v2.core.event":
        # It holds nothing but what to ask about, and what it tells is in the event itself.
        created_at = datetime.fromisoformat(data["created"]).astimezone(UTC)
        return InboundEvent(event_id, kind, event_id, created_at)
    seconds = data["created"]
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise TypeError(seconds)
    if data["object"] != "event" or not 0 <= seconds < _LATEST_SECOND:
        raise ValueError(seconds)
    subject = _subject(data["data"]["object"])
    return InboundEvent(event_id, kind, subject, datetime.fromtimestamp(seconds, tz=UTC))


def _subject(thing: Mapping[str, Any]) -> str:
    """The id to ask about: the object's own, or for an invoice that of its subscription."""
    if thing.get("object") != "invoice":
        return _id(thing.get("id"))
    details = (thing.get("parent") or {}).get("subscription_details") or {}
    return _id(details.get("subscription") or thing.get("subscription"))


def _id(reference: object) -> str:
    if isinstance(reference, dict):
        reference = reference.get("id")
    if reference is None:
        return ""
    if not (isinstance(reference, str) and len(reference) <= _MAX_ID and reference.isprintable()):
        raise ValueError(reference)
    return reference


Handler = Callable[..., bool]

#: What we look at again when an event of this type comes. Everything else is stored and ignored.
HANDLERS: dict[str, Handler] = {
    "checkout.session.completed": refresh_checkout,
    "checkout.session.async_payment_succeeded": refresh_checkout,
    "checkout.session.async_payment_failed": refresh_checkout,
    "checkout.session.expired": refresh_checkout,
    "customer.subscription.created": refresh_paid,
    "customer.subscription.updated": refresh_paid,
    "customer.subscription.deleted": refresh_paid,
    "customer.subscription.paused": refresh_paid,
    "customer.subscription.resumed": refresh_paid,
    "invoice.paid": refresh_paid,
    "invoice.payment_failed": refresh_paid,
    "invoice.payment_action_required": refresh_paid,
    "invoice.marked_uncollectible": refresh_paid,
    "v1.billing.meter.error_report_triggered": refuse_reported,
    "v1.billing.meter.no_meter_found": refuse_reported,
}
