from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Account
from accounts.services import ensure_operator_account, open_account


class TestEnsureOperatorAccount:
    def test_makes_one_account_however_often_it_is_asked(self, transactional_db, now):
        first, second = ensure_operator_account(now=now), ensure_operator_account(now=now)

        assert first.pk == second.pk
        assert Account.objects.get().is_operator


class TestConstraints:
    def test_refuse_a_second_operator(self, transactional_db, now):
        ensure_operator_account(now=now)

        with pytest.raises(IntegrityError):
            Account.objects.create(is_operator=True, created_at=now)

    def test_refuse_a_blank_address(self, transactional_db, now):
        with pytest.raises(IntegrityError, match="account_email_null_not_blank"):
            Account.objects.create(email="", created_at=now)

    def test_are_kept_by_open_account(self, transactional_db, now):
        with transaction.atomic():
            assert open_account(name="", email="", now=now).email is None
