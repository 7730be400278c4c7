"""POST /api/keys: a new account with its first key, or one more key for the caller's account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ContractView
from core.client_address import client_address
from keys.caller import account_of, key_of
from keys.quickstart import quickstart
from keys.serializers import NewKey, issued_key_object
from keys.services import IssuedKey, check_scopes, issue_first_key, issue_key, require_full_access
from keys.signups import allow_signup

WARNING = "Store this key securely. It will not be shown again."


class KeyListView(ContractView):
    """E1. Without a key in the header anybody may call it; with one it adds a key (A1)."""

    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        """201 with the key, which no later answer shows again."""
        key = key_of(request)
        if key is not None:
            require_full_access(key)
        wanted = self.parsed_body(NewKey)
        issued = self._issue(request, wanted, now=timezone.now())
        body = {"success": True, "api_key": issued_key_object(issued), "warning": WARNING}
        if issued.key.has_full_access:
            body["quickstart"] = quickstart(secret=issued.secret)
        response = Response(body, status=status.HTTP_201_CREATED)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _issue(self, request: Request, wanted: dict[str, Any], *, now: datetime) -> IssuedKey:
        name, scopes = wanted.get("name") or "", wanted.get("scopes")
        if key_of(request) is not None:
            return issue_key(account=account_of(request), name=name, scopes=scopes, now=now)
        check_scopes(scopes)  # a refused body must not count as a sign-up
        address = client_address(request.META, trusted=settings.TRUSTED_PROXIES)
        allow_signup(address=address, now=now)
        return issue_first_key(name=name, email=wanted.get("email"), scopes=scopes, now=now)
