from __future__ import annotations

from datetime import timedelta

import pytest

from keys.devices import (
    LIFETIME,
    AuthorizationPending,
    DeviceCodeExpired,
    UserCodeUnknown,
    approve_device,
    exchange_device,
    start_device,
)
from keys.lifecycle import revoke_keys
from keys.models import ApiKey, DeviceCode
from keys.services import KeyCannotIssueKeys, issue_key


class TestDeviceFlow:
    def test_gives_a_key_once_after_the_code_was_confirmed(self, issued, now):
        started = start_device(now=now)
        with pytest.raises(AuthorizationPending):
            exchange_device(device_code=started.device_code, now=now)

        approve_device(key=issued.key, user_code=started.user_code, now=now)

        made = exchange_device(device_code=started.device_code, now=now)
        assert made.key.account == issued.key.account
        assert made.key.scopes == ["episodes:read", "episodes:write"]
        with pytest.raises(DeviceCodeExpired):
            exchange_device(device_code=started.device_code, now=now)

    def test_takes_the_code_however_it_is_typed(self, issued, now):
        started = start_device(now=now)
        typed = f" {started.user_code.lower().replace('-', ' ')}\t"

        approve_device(key=issued.key, user_code=typed, now=now)

        assert DeviceCode.objects.get().approver == issued.key

    @pytest.mark.parametrize("typed", ["", "ABCD-EFGH", "\x00", "É" * 8, "A" * 10_000])
    def test_knows_no_other_code(self, issued, now, typed):
        start_device(now=now)

        with pytest.raises(UserCodeUnknown):
            approve_device(key=issued.key, user_code=typed, now=now)

    def test_is_over_after_its_time(self, issued, now):
        started = start_device(now=now)
        approve_device(key=issued.key, user_code=started.user_code, now=now)

        with pytest.raises(DeviceCodeExpired):
            exchange_device(device_code=started.device_code, now=now + LIFETIME)
        with pytest.raises(UserCodeUnknown):
            approve_device(key=issued.key, user_code=started.user_code, now=now + LIFETIME)

    def test_is_confirmed_once(self, issued, now):
        started = start_device(now=now)
        approve_device(key=issued.key, user_code=started.user_code, now=now)

        with pytest.raises(UserCodeUnknown):
            approve_device(key=issued.key, user_code=started.user_code, now=now)

    def test_gives_nothing_when_the_key_that_confirmed_has_ended(self, issued, now):
        started = start_device(now=now)
        approve_device(key=issued.key, user_code=started.user_code, now=now)
        revoke_keys(key_ids=[issued.key.pk], actor="a test", now=now)

        with pytest.raises(DeviceCodeExpired):
            exchange_device(device_code=started.device_code, now=now)

        assert ApiKey.objects.count() == 1

    def test_demands_a_key_with_full_access(self, owner, now):
        scoped = issue_key(account=owner, name="", scopes=["shows:read"], actor="a test", now=now)
        started = start_device(now=now)

        with pytest.raises(KeyCannotIssueKeys):
            approve_device(key=scoped.key, user_code=started.user_code, now=now)

    def test_keeps_only_a_hash_and_forgets_what_is_over(self, transactional_db, now):
        started = start_device(now=now)
        assert started.device_code not in str(DeviceCode.objects.values().get())

        start_device(now=now + LIFETIME + timedelta(seconds=1))

        assert DeviceCode.objects.count() == 1
