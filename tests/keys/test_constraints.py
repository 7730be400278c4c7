from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError

from keys.models import ApiKey, DeviceCode


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("apikey_scopes_not_empty_list", {"scopes": []}),
        ("apikey_expires_after_creation", {"expires_at": -1}),
    ],
)
def test_the_database_refuses(issued, now, name, change):
    if "expires_at" in change:
        change = {"expires_at": now - timedelta(seconds=1)}

    with pytest.raises(IntegrityError, match=name):
        ApiKey.objects.filter(pk=issued.key.pk).update(**change)


def test_the_database_refuses_a_second_key_of_one_secret(issued, now):
    with pytest.raises(IntegrityError):
        ApiKey.objects.create(
            account=issued.key.account, prefix="x", digest=issued.key.digest, created_at=now
        )


def test_the_database_refuses_a_device_code_that_is_over_before_it_begins(transactional_db, now):
    with pytest.raises(IntegrityError, match="devicecode_expires_after_creation"):
        DeviceCode.objects.create(digest="0", user_code="ABCD", created_at=now, expires_at=now)
