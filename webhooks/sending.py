"""Sends one delivery: one signed request, no redirects, ten seconds; touches no database."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings

from core.addresses import Resolver, resolve_by_system
from core.errors import PodwrightError
from core.http import fetch
from core.text import clean_text
from core.times import iso_milliseconds
from webhooks.models import ANSWER_LENGTH, Delivery
from webhooks.schedule import parse_retry_after
from webhooks.signing import signed_headers
from webhooks.targets import pinned_resolver

log = structlog.get_logger(__name__)

SEND_SECONDS = 10.0
#: Enough for ANSWER_LENGTH characters of four bytes each.
ANSWER_BYTES = 4 * ANSWER_LENGTH
_GONE = 410


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A claimed delivery with all that sending it needs."""

    delivery_pk: int
    lease: UUID | None
    endpoint_id: int
    attempts: int
    event_type: str
    message_id: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """How one attempt ended: a status, or an `error` code without one."""

    started_at: datetime
    milliseconds: int
    status: int | None
    error: str
    text: str
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        """2xx."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004

    @property
    def is_gone(self) -> bool:
        """The endpoint asks never to be called again."""
        return self.status == _GONE


def body_of(delivery: Delivery) -> bytes:
    """The exact bytes that are signed and sent (contracts/podclaw.md section 8); needs `event`.

    They are the same at each attempt.
    """
    event = delivery.event
    payload = {
        "event": event.type,
        "delivery_id": str(delivery.uuid),
        "timestamp": iso_milliseconds(event.occurred_at),
        "data": event.data,
    }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def send(outgoing: Outgoing, *, now: datetime, resolve: Resolver = resolve_by_system) -> Answer:
    """Send it and tell how that ended; raises nothing."""
    began = time.monotonic()
    status, error, text, retry_after = None, "", "", None
    try:
        allow = settings.OUTBOUND_ALLOW
        answer = fetch(
            outgoing.url,
            method="POST",
            content=outgoing.body,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                **signed_headers(
                    outgoing.secrets,
                    message_id=outgoing.message_id,
                    timestamp=int(now.timestamp()),
                    body=outgoing.body,
                ),
            },
            max_bytes=ANSWER_BYTES,
            timeout=SEND_SECONDS,
            truncate=True,
            follow_redirects=False,
            expect_success=False,
            allow=allow,
            resolve=pinned_resolver(outgoing.url, allow=allow, resolve=resolve),
        )
        status, text = answer.status, answer.body.decode("utf-8", "replace")
        retry_after = parse_retry_after(answer.headers.get("retry-after", ""), now=now)
    except PodwrightError as failure:
        error, text = failure.code, failure.message
    except Exception:
        # A bug must not leave the delivery to its lease for ever: it counts as a failed attempt.
        log.exception("delivery_broke", delivery=outgoing.message_id)
        error, text = "internal", "The delivery broke off inside the server."
    return Answer(
        started_at=now,
        milliseconds=round((time.monotonic() - began) * 1000),
        status=status,
        error=error,
        text=clean_text(text)[:ANSWER_LENGTH],
        retry_after=retry_after,
    )
