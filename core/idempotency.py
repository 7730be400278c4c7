"""Makes a POST with an `Idempotency-Key` happen once: its stored answer is given to every repetition."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from core.errors import Conflict, Invalid, Unprocessable
from core.forms import ReceivedFile
from core.models import IdempotentRequest

HEADER = "Idempotency-Key"
#: Told in the answer to a repetition, so that a client can see that nothing happened anew.
REPLAYED_HEADER = "Idempotency-Replayed"
KEPT_FOR = timedelta(hours=24)
#: A request that has not ended by now was killed: its key may be used again.
LEASE = timedelta(minutes=15)
RETRY_AFTER_SECONDS = 2
KEY_PATTERN = "[!-~]([ -~]{0,253}[!-~])?"
_KEY = re.compile(KEY_PATTERN)


class IdempotencyKeyInvalid(Invalid):
    """The header is empty, too long, or not printable ASCII."""

    code = "idempotency_key_invalid"


class IdempotencyKeyReused(Unprocessable):
    """The key belongs to a request with another method, address or body."""

    code = "idempotency_key_reused"


class RequestStillRunning(Conflict):
    """The first request with this key has not ended yet."""

    code = "request_still_running"


class AnswerNotKept(Conflict):
    """The request was done, but its answer held a secret, which is shown once only."""

    code = "answer_not_kept"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first request was told."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One request of one caller (an account's id), under the key that it chose."""

    caller: str
    key: str
    fingerprint: str


def checked_key(text: str) -> str:
    """The key without surrounding white space. Raises `IdempotencyKeyInvalid`."""
    key = text.strip()
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyInvalid(f"{HEADER}: must have 1 to 255 printable ASCII characters.")
    return key


def fingerprint(*, method: str, path: str, data: object) -> str:
    """SHA-256 over what a request asks for, whatever the spacing, the order or the form's boundary."""
    if isinstance(data, dict):
        # Forms are dictionaries of lists inside; asked by name they give the one value.
        data = {name: data[name] for name in data}
    text = json.dumps([method, path, data], sort_keys=True, default=_file_digest)
    return hashlib.sha256(text.encode()).hexdigest()


def claim_request(claim: Claim, *, now: datetime) -> StoredAnswer | None:
    """None when the request is to be carried out now, else the answer that it had before.

    Raises `IdempotencyKeyReused`, `RequestStillRunning` or `AnswerNotKept`.
    """
    if _create(claim, now=now):
        return None
    row = IdempotentRequest.objects.filter(caller=claim.caller, key=claim.key).first()
    if row is None:
        raise _still_running()  # it has just been given up; the next attempt gets through
    if row.created_at <= now - KEPT_FOR or (row.status is None and row.created_at <= now - LEASE):
        _take_over(row, claim, now=now)
        return None
    if row.fingerprint != claim.fingerprint:
        raise IdempotencyKeyReused(
            f"{HEADER}: this key was used for a request with another method, address or body. "
            "Use a new key for each new request."
        )
    if row.status is None:
        raise _still_running()
    if row.body is None:
        raise AnswerNotKept(
            "This request was carried out before. Its answer held a secret, which is shown only "
            "once; use a new key to make another."
        )
    return StoredAnswer(row.status, row.body)


def finish_request(claim: Claim, *, status: int, body: str | None) -> None:
    """Keep the answer for repetitions; `body` is None when it holds a secret."""
    _running(claim).update(status=status, body=body)


def release_request(claim: Claim) -> None:
    """Forget a request that asks to be sent again."""
    _running(claim).delete()


def sweep_requests(*, now: datetime) -> int:
    """Delete answers older than KEPT_FOR; returns how many."""
    return IdempotentRequest.objects.filter(created_at__lte=now - KEPT_FOR).delete()[0]


def _running(claim: Claim) -> QuerySet[IdempotentRequest]:
    return IdempotentRequest.objects.filter(
        caller=claim.caller, key=claim.key, fingerprint=claim.fingerprint, status__isnull=True
    )


def _create(claim: Claim, *, now: datetime) -> bool:
    try:
        with transaction.atomic(durable=True):
            IdempotentRequest.objects.create(
                caller=claim.caller,
                key=claim.key,
                fingerprint=claim.fingerprint,
                created_at=now,
            )
    except IntegrityError:
        return False
    return True


def _take_over(row: IdempotentRequest, claim: Claim, *, now: datetime) -> None:
    # Of several that try, one finds the row as it was.
    taken = IdempotentRequest.objects.filter(pk=row.pk, created_at=row.created_at).update(
        fingerprint=claim.fingerprint, status=None, body=None, created_at=now
    )
    if not taken:
        raise _still_running()


def _still_running() -> RequestStillRunning:
    return RequestStillRunning(
        "A request with this Idempotency-Key is still being carried out; try again in a moment.",
        details={"retry_after": RETRY_AFTER_SECONDS},
    )


def _file_digest(value: object) -> str:
    if isinstance(value, ReceivedFile):
        return value.sha256
    raise TypeError(type(value).__name__)
