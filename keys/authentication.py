"""Who is calling: the bearer key of a request."""

from __future__ import annotations

import re

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import Account
from keys.models import ApiKey
from keys.services import find_active_key

# RFC 7235: the scheme is case-insensitive. Several schemes may share one header, split by commas
# (contracts/podread.md section 2.1).
_BEARER = re.compile(r"(?:^|,)\s*bearer +([^\s,]+)\s*(?:,|$)", re.IGNORECASE)


class BearerKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`; `request.user` is the account and `request.auth` the key."""

    def authenticate(self, request: Request) -> tuple[Account, ApiKey] | None:
        """None without the header; raises `AuthenticationFailed` for a key that is not active."""
        header = request.headers.get("Authorization", "")
        if not header.strip():
            return None
        match = _BEARER.search(header)
        key = find_active_key(secret=match[1], now=timezone.now()) if match else None
        if key is None:
            raise AuthenticationFailed(
                "Invalid API key. Send a valid key in the header: Authorization: Bearer <key>"
            )
        return key.account, key

    def authenticate_header(self, request: Request) -> str:
        """Makes DRF answer 401 instead of 403."""
        return "Bearer"
