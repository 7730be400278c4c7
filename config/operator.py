"""What the first start makes for the operator: the account, its first key and the admin's password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from accounts.services import ensure_operator_account
from keys.models import ApiKey
from keys.services import issue_key

ADMIN_NAME = "admin"
PASSWORD_BYTES = 15


@dataclass(frozen=True, slots=True)
class FirstSecrets:
    """What was made just now and is shown once; None stands for "existed already"."""

    api_key: str | None
    admin_password: str | None


def ensure_operator(*, now: datetime) -> FirstSecrets:
    """Make what is missing of the operator's account, key and admin user."""
    account = ensure_operator_account(now=now)
    api_key = None
    if not ApiKey.objects.filter(account=account).exists():
        api_key = issue_key(
            account=account, name="operator", scopes=None, actor="first start", now=now
        ).secret
    return FirstSecrets(api_key=api_key, admin_password=_ensure_admin())


def _ensure_admin() -> str | None:
    if User.objects.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    try:
        with transaction.atomic(durable=True):
            User.objects.create_superuser(ADMIN_NAME, password=password)
    except IntegrityError:
        # Another start on the same database was faster, and showed its password.
        return None
    return password
