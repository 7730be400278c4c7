"""Keys over HTTP: opening an account, issuing, listing, changing, rotating and revoking."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ContractView
from core.client_address import client_address
from keys.caller import account_of, actor_of, key_of
from keys.descriptions import KEY_LIST_OPERATIONS, KEY_OPERATIONS, ROTATION_OPERATIONS
from keys.lifecycle import get_key, revoke_key, rotate_key, update_key
from keys.models import ApiKey
from keys.quickstart import quickstart
from keys.serializers import (
    KeyChanges,
    KeyRotation,
    NewKey,
    issued_key_object,
    managed_key_object,
)
from keys.services import (
    IssuedKey,
    check_expiry,
    check_scopes,
    issue_first_key,
    issue_key,
    require_full_access,
)
from keys.signups import allow_signup

#: Long enough to change the key everywhere, short enough to be remembered.
DEFAULT_OVERLAP_SECONDS = 24 * 3600
WARNING = "Store this key securely. It will not be shown again."


class KeyListView(ContractView):
    """E1. Without a key in the header anybody may call it; with one it adds a key (A1)."""

    operations = KEY_LIST_OPERATIONS

    def get_permissions(self) -> list[Any]:
        """Listing needs a key with full access, creating needs none."""
        return [AllowAny()] if self.request.method == "POST" else list(super().get_permissions())

    def get(self, request: Request) -> Response:
        """All keys of the account, newest first, ended ones too; never a secret."""
        now = timezone.now()
        keys = ApiKey.objects.visible_to(account_of(request)).newest_first()
        listed = [managed_key_object(key, now=now) for key in keys]
        return Response({"success": True, "api_keys": listed, "count": len(listed)})

    def post(self, request: Request) -> Response:
        """201 with the key, which no later answer shows again."""
        key = key_of(request)
        if key is not None:
            require_full_access(key)
        wanted = self.parsed_body(NewKey)
        issued = self._issue(request, wanted, now=timezone.now())
        return _issued_answer(issued)

    def _issue(self, request: Request, wanted: dict[str, Any], *, now: datetime) -> IssuedKey:
        name, scopes = wanted.get("name") or "", wanted.get("scopes")
        expires_at = wanted.get("expires_at")
        if key_of(request) is not None:
            return issue_key(
                account=account_of(request),
                name=name,
                scopes=scopes,
                expires_at=expires_at,
                actor=actor_of(request),
                now=now,
            )
        # A refused body must not count as a sign-up.
        check_scopes(scopes)
        check_expiry(expires_at, now=now)
        address = client_address(request.META, trusted=settings.TRUSTED_PROXIES)
        allow_signup(address=address, now=now)
        return issue_first_key(
            name=name, email=wanted.get("email"), scopes=scopes, expires_at=expires_at, now=now
        )


class KeyView(ContractView):
    """One key of the account (contracts/podclaw.md A6); full access only."""

    operations = KEY_OPERATIONS

    def get(self, request: Request, key_id: int) -> Response:
        """The key, without its secret."""
        return _key_answer(get_key(account=account_of(request), key_id=key_id))

    def patch(self, request: Request, key_id: int) -> Response:
        """Rename the key or move its end."""
        changes = self.parsed_body(KeyChanges, partial=True)
        key = update_key(
            account=account_of(request),
            key_id=key_id,
            changes=changes,
            actor=actor_of(request),
            now=timezone.now(),
        )
        return _key_answer(key)

    def delete(self, request: Request, key_id: int) -> Response:
        """Revoke the key for good: 204."""
        revoke_key(
            account=account_of(request),
            key_id=key_id,
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class KeyRotationView(ContractView):
    """A successor for a key that may have leaked, or has been in use for long enough."""

    operations = ROTATION_OPERATIONS

    def post(self, request: Request, key_id: int) -> Response:
        """201 with the successor; the old key works `overlap_seconds` longer (a day by default)."""
        seconds = self.parsed_body(KeyRotation).get("overlap_seconds", DEFAULT_OVERLAP_SECONDS)
        issued = rotate_key(
            account=account_of(request),
            key_id=key_id,
            overlap=timedelta(seconds=seconds),
            actor=actor_of(request),
            now=timezone.now(),
        )
        return _issued_answer(issued)


def _key_answer(key: ApiKey) -> Response:
    return Response({"success": True, "api_key": managed_key_object(key, now=timezone.now())})


def _issued_answer(issued: IssuedKey) -> Response:
    body = {"success": True, "api_key": issued_key_object(issued), "warning": WARNING}
    if issued.key.has_full_access:
        body["quickstart"] = quickstart(secret=issued.secret)
    response = Response(body, status=status.HTTP_201_CREATED)
    response.headers["Cache-Control"] = "no-store"
    return response
