"""Letting a program in that has no browser: it shows a code, a signed-in person confirms it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from core.errors import Conflict, Invalid, NotFound
from keys.models import ApiKey, DeviceCode
from keys.scopes import EPISODES_READ, EPISODES_WRITE
from keys.services import IssuedKey, create_key, digest, require_full_access

LIFETIME = timedelta(minutes=15)
POLL_SECONDS = 5
#: Letters that nobody mistakes for digits or for each other (contracts/podread.md section 2.2).
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 8
#: Programs of this flow narrate; a key for more is made by hand.
SCOPES = [EPISODES_READ, EPISODES_WRITE]
_NOT_A_LETTER = re.compile("[^A-Z]")


class UserCodeUnknown(NotFound):
    """No program waits under this code: it was misread, or has expired."""

    code = "user_code_unknown"


class AuthorizationPending(Conflict):
    """Nobody has confirmed the code yet."""

    code = "authorization_pending"


class DeviceCodeExpired(Invalid):
    """The device code is unknown, too old, or was exchanged before."""

    code = "expired_token"


@dataclass(frozen=True, slots=True)
class StartedDevice:
    """A program that waits; `device_code` is its secret and exists only in this value."""

    device_code: str
    user_code: str


def start_device(*, now: datetime) -> StartedDevice:
    """Make a pair of codes that lives for LIFETIME; forgets pairs that are over."""
    device_code = secrets.token_urlsafe(32)
    with transaction.atomic(durable=True):
        DeviceCode.objects.filter(expires_at__lte=now).delete()
        while True:
            user_code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
            try:
                # A savepoint: a code that is taken must not end the whole transaction.
                with transaction.atomic():
                    DeviceCode.objects.create(
                        digest=digest(device_code),
                        user_code=user_code,
                        created_at=now,
                        expires_at=now + LIFETIME,
                    )
            except IntegrityError:
                continue
            return StartedDevice(device_code=device_code, user_code=shown_code(user_code))


def shown_code(user_code: str) -> str:
    """The code as people read it: two groups of four."""
    return f"{user_code[: CODE_LENGTH // 2]}-{user_code[CODE_LENGTH // 2 :]}"


def approve_device(*, key: ApiKey, user_code: str, now: datetime) -> None:
    """Let the waiting program have a key of the account of `key`, which the person is signed in with.

    Case, spaces and dashes do not matter. Raises `UserCodeUnknown`, and
    `keys.services.KeyCannotIssueKeys` for a key with scopes.
    """
    require_full_access(key)
    code = _NOT_A_LETTER.sub("", user_code.upper())
    with transaction.atomic(durable=True):
        waiting = DeviceCode.objects.filter(
            user_code=code, expires_at__gt=now, approver__isnull=True
        )
        if not waiting.update(approver=key):
            raise UserCodeUnknown(
                "No program waits under this code. Codes are valid for 15 minutes; start again in "
                "the program, and type the code that it shows."
            )


def exchange_device(*, device_code: str, now: datetime) -> IssuedKey:
    """The key for a program whose code was confirmed; works once.

    Raises `AuthorizationPending`, `DeviceCodeExpired`.
    """
    with transaction.atomic(durable=True):
        row = (
            DeviceCode.objects.select_for_update(of=("self",))
            .select_related("approver__account")
            .filter(digest=digest(device_code), expires_at__gt=now)
            .first()
        )
        if row is None:
            raise DeviceCodeExpired("expired_token", field="device_code")
        if row.approver is None:
            raise AuthorizationPending("authorization_pending")
        approver = row.approver
        row.delete()
        if not approver.is_active(now=now):
            # Whoever confirmed has lost the right to; the code is gone for good.
            issued = None
        else:
            issued = create_key(
                account=approver.account,
                name="Device sign-in",
                scopes=list(SCOPES),
                expires_at=None,
                actor=f"key {approver.prefix}",
                now=now,
            )
    if issued is None:
        raise DeviceCodeExpired("expired_token", field="device_code")
    return issued
