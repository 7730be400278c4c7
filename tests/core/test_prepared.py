"""A prepared query gives what the query itself gives, whatever it was asked before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import BigAutoField, CharField, Count, F
from django.db.transaction import TransactionManagementError

from accounts.models import Account
from core.prepared import Given, Prepared, PreparedInsert, PreparedUpdate
from keys.models import ApiKey
from tests.conftest import NOW


@pytest.fixture
def keys(db: None) -> list[ApiKey]:
    made = []
    for number in range(3):
        account = Account.objects.create(name=f"Account {number}", created_at=NOW)
        made.append(
            ApiKey.objects.create(
                account=account, digest=f"{number}" * 64, scopes=["shows:read"], created_at=NOW
            )
        )
    return made


def test_each_run_gives_the_row_of_its_own_values_with_all_that_belongs_to_it(
    keys: list[ApiKey],
) -> None:
    by_digest = Prepared(
        lambda: (
            ApiKey.objects.select_related("account")
            .annotate(siblings=Count("account__keys"))
            .filter(digest=Given("digest", CharField()), revoked_at=None)
        )
    )

    for key in (*keys, keys[0]):
        found = by_digest.first(digest=key.digest)

        assert found is not None
        assert (found, found.scopes, found.created_at) == (key, ["shows:read"], NOW)
        assert (found.account.name, found.siblings) == (key.account.name, 1)
    assert by_digest.first(digest="unknown") is None


def test_rows_come_as_the_query_gives_them(keys: list[ApiKey]) -> None:
    def older_than(limit: int) -> Prepared[Any]:
        return Prepared(
            lambda: (
                ApiKey.objects.filter(pk__lt=Given("key", BigAutoField()))
                .order_by("-pk")[:limit]
                .values_list("digest", "account__name", named=True)
            )
        )

    rows = older_than(5).rows(key=keys[2].pk)

    assert [(row.digest[0], row.account__name) for row in rows] == [
        ("1", "Account 1"),
        ("0", "Account 0"),
    ]
    assert older_than(0).rows(key=keys[2].pk) == []


def test_a_value_is_never_read_as_sql(keys: list[ApiKey]) -> None:
    by_digest = Prepared(lambda: ApiKey.objects.filter(digest=Given("digest", CharField())))

    assert by_digest.first(digest="' OR 1=1 --") is None


@pytest.mark.django_db(transaction=True)
def test_threads_share_it() -> None:
    account = Account.objects.create(name="Shared", created_at=NOW)
    by_pk = Prepared(lambda: Account.objects.filter(pk=Given("pk", BigAutoField())))

    def name(_number: int) -> str:
        try:
            found = by_pk.first(pk=account.pk)
            assert found is not None
            return found.name
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(name, range(20))) == {"Shared"}


@pytest.mark.django_db(transaction=True)
def test_it_locks_inside_a_transaction_only() -> None:
    account = Account.objects.create(name="Locked", created_at=NOW)
    held = Prepared(
        lambda: Account.objects.select_for_update().filter(pk=Given("pk", BigAutoField()))
    )

    with transaction.atomic(durable=True):
        assert held.first(pk=account.pk) == account
    with pytest.raises(TransactionManagementError):
        held.first(pk=account.pk)


def test_an_update_changes_the_rows_of_its_own_values(keys: list[ApiKey]) -> None:
    named = PreparedUpdate(
        lambda: Account.objects.filter(pk=Given("pk", BigAutoField())),
        name=Given("name", CharField()),
        email=F("name"),
    )

    for key, name in ((keys[0], "' OR 1=1 --"), (keys[1], "Other")):
        assert named.run(pk=key.account_id, name=name) == 1
    assert named.run(pk=0, name="Nobody") == 0
    assert list(Account.objects.order_by("pk").values_list("name", "email")) == [
        ("' OR 1=1 --", "Account 0"),
        ("Other", "Account 1"),
        ("Account 2", None),
    ]


def test_inserted_rows_are_as_saved_ones(keys: list[ApiKey]) -> None:
    inserts = PreparedInsert(ApiKey)
    made = [
        ApiKey(account=keys[0].account, digest=letter * 64, scopes=scopes, created_at=NOW)
        for letter, scopes in (("a", ["shows:read"]), ("b", None), ("c", ["episodes:read"]))
    ]

    inserts.save(*made[:2])
    inserts.save(made[2])

    for row in made:
        stored = ApiKey.objects.get(digest=row.digest)
        assert stored == row
        assert (stored.scopes, stored.created_at) == (row.scopes, NOW)
        row.name = "Changed"
        row.save(force_update=True)


def test_an_insert_that_is_refused_ends_the_transaction(keys: list[ApiKey]) -> None:
    twice = ApiKey(account=keys[0].account, digest=keys[0].digest, scopes=None, created_at=NOW)

    with transaction.atomic():
        with pytest.raises(IntegrityError):
            PreparedInsert(ApiKey).save(twice)
        assert transaction.get_rollback()
        assert (twice.pk, twice._state.adding) == (None, True)
        transaction.set_rollback(True)
