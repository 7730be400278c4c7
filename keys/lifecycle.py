"""What happens to a key after it was issued: renamed, given an end, rotated, revoked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import Account
from core.errors import Conflict, Invalid, NotFound
from keys.models import ApiKey
from keys.services import IssuedKey, check_expiry, create_key

UPDATABLE = ("name", "expires_at")


class KeyNotFound(NotFound):
    """No such key in this account."""

    code = "key_not_found"


class KeyEnded(Conflict):
    """The key is revoked or has expired; that is final."""

    code = "key_ended"


class LastFullAccessKey(Conflict):
    """Without this key nobody could manage the account any more."""

    code = "last_full_access_key"


class NothingToChange(Invalid):
    """The request names no field of a key that can be changed."""

    code = "nothing_to_update"


def get_key(*, account: Account, key_id: int) -> ApiKey:
    """The one door to a key. Raises `KeyNotFound`."""
    key = ApiKey.objects.visible_to(account).filter(pk=key_id).first()
    if key is None:
        raise KeyNotFound("Key not found")
    return key


def update_key(
    *, account: Account, key_id: int, changes: Mapping[str, object], actor: str, now: datetime
) -> ApiKey:
    """Rename a key or move its end; names outside UPDATABLE are ignored.

    Raises `KeyNotFound`, `KeyEnded`, `NothingToChange`, `services.ExpiryPassed`.
    """
    wanted = {name: value for name, value in changes.items() if name in UPDATABLE}
    if not wanted:
        raise NothingToChange(f"Nothing to update: send one or more of {', '.join(UPDATABLE)}.")
    with transaction.atomic(durable=True):
        key = _locked_active(account=account, key_id=key_id, now=now)
        if "name" in wanted:
            key.name = str(wanted["name"] or "")
        if "expires_at" in wanted:
            expires_at = wanted["expires_at"]
            key.expires_at = expires_at if isinstance(expires_at, datetime) else None
            check_expiry(key.expires_at, now=_latest(now, key))
        key.save(update_fields=list(wanted))
        record_audit(
            account=account,
            action="key.updated",
            actor=actor,
            now=now,
            key=key.prefix,
            fields=sorted(wanted),
        )
    return key


def rotate_key(
    *, account: Account, key_id: int, overlap: timedelta, actor: str, now: datetime
) -> IssuedKey:
    """Issue a key like this one, which itself works for `overlap` longer, or not at all if zero.

    Raises `KeyNotFound`, `KeyEnded`.
    """
    with transaction.atomic(durable=True):
        old = _locked_active(account=account, key_id=key_id, now=now)
        issued = create_key(
            account=account,
            name=old.name,
            scopes=old.scopes,
            expires_at=old.expires_at,
            actor=actor,
            now=now,
        )
        if overlap:
            end = _latest(now, old) + overlap
            old.expires_at = min(end, old.expires_at) if old.expires_at else end
        else:
            old.revoked_at = now
        old.save(update_fields=["expires_at", "revoked_at"])
        record_audit(
            account=account,
            action="key.rotated",
            actor=actor,
            now=now,
            key=old.prefix,
            successor=issued.key.prefix,
            overlap_seconds=int(overlap.total_seconds()),
        )
    return issued


def revoke_key(*, account: Account, key_id: int, actor: str, now: datetime) -> None:
    """End a key for good; a key that has ended already stays as it is.

    Raises `KeyNotFound`, and `LastFullAccessKey` for the one that everything else hangs on.
    """
    with transaction.atomic(durable=True):
        # All of the account's keys: two requests must not revoke the last two at once.
        keys = list(ApiKey.objects.visible_to(account).select_for_update().order_by("pk"))
        key = next((key for key in keys if key.pk == key_id), None)
        if key is None:
            raise KeyNotFound("Key not found")
        if key.has_full_access and key.is_active(now=now):
            others = [one for one in keys if one.pk != key_id and one.is_active(now=now)]
            if not any(one.has_full_access for one in others):
                raise LastFullAccessKey(
                    "This is the account's last key with full access; create or rotate one first."
                )
        _revoke(key, actor=actor, now=now)


def revoke_keys(*, key_ids: Sequence[int], actor: str, now: datetime) -> int:
    """Revoke any keys, as an operator may; returns how many were not revoked yet."""
    with transaction.atomic(durable=True):
        chosen = ApiKey.objects.select_related("account").select_for_update(of=("self",))
        keys = list(chosen.filter(pk__in=key_ids, revoked_at__isnull=True).order_by("pk"))
        for key in keys:
            _revoke(key, actor=actor, now=now)
    return len(keys)


def _revoke(key: ApiKey, *, actor: str, now: datetime) -> None:
    if key.revoked_at is None:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        record_audit(
            account=key.account, action="key.revoked", actor=actor, now=now, key=key.prefix
        )


def _locked_active(*, account: Account, key_id: int, now: datetime) -> ApiKey:
    key = ApiKey.objects.visible_to(account).select_for_update().filter(pk=key_id).first()
    if key is None:
        raise KeyNotFound("Key not found")
    if not key.is_active(now=now):
        raise KeyEnded("The key has ended; issue a new one instead.")
    return key


def _latest(now: datetime, key: ApiKey) -> datetime:
    """The machine that issued a key may have a clock that is ahead of ours: no key ends before that."""
    return max(now, key.created_at)
