"""Issuing keys and finding the one that a request shows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import CharField, DateTimeField

from accounts.audit import record_audit
from accounts.models import Account
from accounts.services import open_account
from core.errors import Forbidden, Invalid
from core.ids import random_text
from core.prepared import Given, Prepared
from keys.models import ApiKey
from keys.scopes import SCOPES

PREFIX = "pc_live_"
SECRET_LENGTH = 32
#: `last_used_at` is written at most this often, so that a busy key is not a busy row.
LAST_USE_RESOLUTION = timedelta(minutes=5)
_ACTIVE_KEY = Prepared(
    lambda: (
        ApiKey.objects.select_related("account")
        .active(now=Given("now", DateTimeField()))
        .filter(digest=Given("digest", CharField()))
    )
)


class UnknownScope(Invalid):
    """A scope that does not exist, or an empty list."""

    code = "unknown_scope"


class ExpiryPassed(Invalid):
    """A key cannot expire in the past."""

    code = "expiry_passed"


class KeyCannotIssueKeys(Forbidden):
    """Only a key with full access may make further keys."""

    code = "full_access_required"


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its secret, which exists only in this value."""

    key: ApiKey
    secret: str


def issue_first_key(
    *,
    name: str,
    email: str | None,
    scopes: Sequence[str] | None,
    now: datetime,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Open an account and give it its first key, in one transaction."""
    checked = check_scopes(scopes)
    check_expiry(expires_at, now=now)
    with transaction.atomic(durable=True):
        account = open_account(name=name, email=email, now=now)
        return create_key(
            account=account,
            name=name,
            scopes=checked,
            expires_at=expires_at,
            actor="sign-up",
            now=now,
        )


def issue_key(
    *,
    account: Account,
    name: str,
    scopes: Sequence[str] | None,
    actor: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Give an account one more key; `actor` is who asked for it, for the audit log."""
    checked = check_scopes(scopes)
    check_expiry(expires_at, now=now)
    with transaction.atomic(durable=True):
        return create_key(
            account=account,
            name=name,
            scopes=checked,
            expires_at=expires_at,
            actor=actor,
            now=now,
        )


def check_expiry(expires_at: datetime | None, *, now: datetime) -> None:
    """Raise `ExpiryPassed` unless the time lies ahead or is none."""
    if expires_at is not None and expires_at <= now:
        raise ExpiryPassed(
            "expires_at: must lie in the future; to end a key now, delete it.", field="expires_at"
        )


def require_full_access(key: ApiKey) -> None:
    """Raise `KeyCannotIssueKeys` for a scoped key (contracts/podclaw.md A1)."""
    if not key.has_full_access:
        raise KeyCannotIssueKeys("A key with scopes cannot create keys; use a full-access key.")


def check_scopes(scopes: Sequence[str] | None) -> list[str] | None:
    """The scopes without repeats, in their standard order; None is full access, [] is refused (A2)."""
    if scopes is None:
        return None
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        reason = f'"{unknown[0]}" is not a scope' if unknown else "the list is empty"
        raise UnknownScope(
            f"scopes: {reason}; omit it for full access, or choose from {', '.join(SCOPES)}.",
            field="scopes",
        )
    return [scope for scope in SCOPES if scope in scopes]


def find_active_key(*, secret: str, now: datetime) -> ApiKey | None:
    """The key that `secret` belongs to, unless it has expired or was revoked.

    The look-up is by digest: an attacker who times it learns nothing about the secret.
    """
    key = _ACTIVE_KEY.first(digest=digest(secret), now=now)
    if key is not None:
        _note_use(key, now=now)
    return key


def digest(secret: str) -> str:
    """SHA-256 of the whole key as lower-case hexadecimal digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def create_key(
    *,
    account: Account,
    name: str,
    scopes: list[str] | None,
    expires_at: datetime | None,
    actor: str,
    now: datetime,
) -> IssuedKey:
    """Insert a key with its audit entry; demands an open transaction and checked values."""
    secret = PREFIX + random_text(SECRET_LENGTH)
    key = ApiKey.objects.create(
        account=account,
        name=name,
        prefix=secret[: len(PREFIX) + 4],
        digest=digest(secret),
        scopes=scopes,
        created_at=now,
        expires_at=expires_at,
    )
    record_audit(
        account=account, action="key.issued", actor=actor, now=now, key=key.prefix, scopes=scopes
    )
    return IssuedKey(key=key, secret=secret)


def _note_use(key: ApiKey, *, now: datetime) -> None:
    if key.last_used_at is None or now - key.last_used_at >= LAST_USE_RESOLUTION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
