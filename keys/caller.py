"""Who makes an authenticated request, in the types that `BearerKeyAuthentication` really gives."""

from __future__ import annotations

from typing import cast

from rest_framework.request import Request

from accounts.models import Account
from keys.models import ApiKey


def account_of(request: Request) -> Account:
    """The account whose key the request shows; for views that demand one."""
    return cast("Account", request.user)


def key_of(request: Request) -> ApiKey | None:
    """The key that the request shows, None when it shows none."""
    return cast("ApiKey | None", request.auth)


def actor_of(request: Request) -> str:
    """The caller as the audit log names it."""
    key = key_of(request)
    return f"key {key.prefix}" if key is not None else "nobody"
