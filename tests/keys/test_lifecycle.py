from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connections, transaction

from accounts.audit import record_audit
from accounts.models import AuditEntry
from keys.models import ApiKey
from keys.services import issue_key


@pytest.fixture(autouse=True)
def at_now(now):
    with time_machine.travel(now, tick=False):
        yield


@pytest.fixture
def second(owner, now):
    """One more key of the owner's, with full access."""
    return issue_key(account=owner, name="second", scopes=None, actor="a test", now=now)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


class TestList:
    def test_shows_all_keys_of_the_account_and_no_secret(
        self, owner_client, stranger_client, issued, second
    ):
        answer = owner_client.get("/api/keys")

        assert answer.json()["count"] == 2
        assert [key["id"] for key in answer.json()["api_keys"]] == [second.key.pk, issued.key.pk]
        assert second.secret not in answer.content.decode()
        assert second.key.digest not in answer.content.decode()
        assert set(answer.json()["api_keys"][0]) == {
            "id",
            "prefix",
            "name",
            "scopes",
            "created_at",
            "is_active",
            "last_used_at",
            "expires_at",
            "revoked_at",
        }

    def test_tells_when_a_key_was_last_used(self, owner_client, issued):
        owner_client.get("/api/shows")

        (key,) = owner_client.get("/api/v1/keys").json()["api_keys"]

        assert key["last_used_at"] == "2026-03-14T12:00:00.000Z"

    def test_is_for_full_access_only(self, owner, client_for, anonymous_client, now):
        scoped = issue_key(account=owner, name="", scopes=["shows:read"], actor="a test", now=now)

        assert client_for(scoped.secret).get("/api/keys").status_code == 403
        assert anonymous_client.get("/api/keys").status_code == 401


class TestExpiry:
    def test_ends_a_key_at_its_time(self, owner_client, client_for, now):
        wanted = {"name": "short", "expires_at": "2026-03-14T13:00:00Z"}
        secret = owner_client.post("/api/keys", wanted, format="json").json()["api_key"]["key"]

        before = client_for(secret).get("/api/shows").status_code
        with time_machine.travel(now + timedelta(hours=1), tick=False):
            after = client_for(secret).get("/api/shows").status_code

        assert (before, after) == (200, 401)

    def test_cannot_lie_in_the_past(self, owner_client, second):
        body = {"expires_at": "2026-03-14T11:59:59Z"}

        created = owner_client.post("/api/keys", body, format="json")
        changed = owner_client.patch(f"/api/keys/{second.key.pk}", body, format="json")

        assert (created.status_code, changed.status_code) == (400, 400)
        assert created.json()["field"] == "expires_at"
        assert ApiKey.objects.get(pk=second.key.pk).expires_at is None

    def test_comes_after_the_beginning_on_a_machine_whose_clock_is_behind(
        self, owner_client, second, now
    ):
        path = f"/api/keys/{second.key.pk}"
        with time_machine.travel(now - timedelta(seconds=10), tick=False):
            early = owner_client.patch(path, {"expires_at": "2026-03-14T11:59:55Z"}, format="json")
            rotated = owner_client.post(f"{path}/rotate", {"overlap_seconds": 1}, format="json")

        assert (early.status_code, rotated.status_code) == (400, 201)
        assert ApiKey.objects.get(pk=second.key.pk).expires_at == now + timedelta(seconds=1)


class TestChange:
    def test_renames_and_is_audited(self, owner_client, issued, second):
        answer = owner_client.patch(f"/api/keys/{second.key.pk}", {"name": "laptop"}, format="json")

        assert answer.json()["api_key"]["name"] == "laptop"
        entry = AuditEntry.objects.get(action="key.updated")
        assert entry.actor == f"key {issued.key.prefix}"
        assert entry.details == {"key": second.key.prefix, "fields": ["name"]}

    @pytest.mark.parametrize("body", [{}, {"scopes": ["shows:read"]}, {"key": "x"}])
    def test_needs_something_to_change(self, owner_client, second, body):
        answer = owner_client.patch(f"/api/keys/{second.key.pk}", body, format="json")

        assert answer.status_code == 400
        assert ApiKey.objects.get(pk=second.key.pk).scopes is None

    def test_is_404_for_a_stranger(self, stranger_client, second):
        path = f"/api/keys/{second.key.pk}"

        answers = [
            stranger_client.get(path),
            stranger_client.patch(path, {"name": "mine"}, format="json"),
            stranger_client.delete(path),
            stranger_client.post(f"{path}/rotate", {}, format="json"),
        ]

        assert [answer.status_code for answer in answers] == [404] * 4
        assert actions().count("key.issued") == 3


class TestRotate:
    def test_gives_a_successor_and_lets_the_old_key_work_on_for_a_day(
        self, owner_client, client_for, second, now
    ):
        answer = owner_client.post(f"/api/keys/{second.key.pk}/rotate", {}, format="json")

        successor = answer.json()["api_key"]
        assert answer.status_code == 201
        assert successor["name"] == "second"
        assert client_for(successor["key"]).get("/api/shows").status_code == 200
        with time_machine.travel(now + timedelta(hours=23), tick=False):
            assert client_for(second.secret).get("/api/shows").status_code == 200
        with time_machine.travel(now + timedelta(hours=24), tick=False):
            assert client_for(second.secret).get("/api/shows").status_code == 401

    def test_can_end_the_old_key_at_once(self, owner_client, client_for, second):
        owner_client.post(
            f"/api/keys/{second.key.pk}/rotate", {"overlap_seconds": 0}, format="json"
        )

        assert client_for(second.secret).get("/api/shows").status_code == 401

    def test_never_makes_the_old_key_live_longer(self, owner_client, second, now):
        soon = now + timedelta(minutes=5)
        ApiKey.objects.filter(pk=second.key.pk).update(expires_at=soon)

        owner_client.post(f"/api/keys/{second.key.pk}/rotate", {}, format="json")

        assert ApiKey.objects.get(pk=second.key.pk).expires_at == soon

    def test_refuses_a_key_that_has_ended(self, owner_client, second, now):
        ApiKey.objects.filter(pk=second.key.pk).update(revoked_at=now)

        answer = owner_client.post(f"/api/keys/{second.key.pk}/rotate", {}, format="json")

        assert answer.status_code == 409

    @pytest.mark.parametrize("seconds", [-1, 2_592_001, "soon", [1], 1.5])
    def test_refuses_an_odd_overlap_by_name(self, owner_client, second, seconds):
        answer = owner_client.post(
            f"/api/keys/{second.key.pk}/rotate", {"overlap_seconds": seconds}, format="json"
        )

        assert answer.status_code == 400
        assert answer.json()["field"] == "overlap_seconds"


class TestRevoke:
    def test_is_final_and_audited_once(self, owner_client, client_for, second):
        for _ in range(2):
            assert owner_client.delete(f"/api/keys/{second.key.pk}").status_code == 204

        assert client_for(second.secret).get("/api/shows").status_code == 401
        assert actions().count("key.revoked") == 1

    def test_keeps_the_last_key_with_full_access(self, owner, owner_client, issued, now):
        issue_key(account=owner, name="", scopes=["shows:read"], actor="a test", now=now)

        answer = owner_client.delete(f"/api/keys/{issued.key.pk}")

        assert answer.status_code == 409
        assert answer.json()["code"] == "last_full_access_key"

    def test_two_at_once_leave_one(self, owner_client, client_for, issued, second):
        def revoke(secret: str, key_id: int) -> int:
            try:
                return client_for(secret).delete(f"/api/keys/{key_id}").status_code
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            codes = sorted(
                pool.map(revoke, [issued.secret, second.secret], [second.key.pk, issued.key.pk])
            )

        # The slower one is refused: as the last key, or because it has just been revoked itself.
        assert codes[0] == 204
        assert codes[1] in {401, 409}
        assert ApiKey.objects.filter(revoked_at__isnull=True).count() == 1


class TestRecordAudit:
    def test_demands_the_transaction_of_the_change(self, owner, now):
        with pytest.raises(transaction.TransactionManagementError):
            record_audit(account=owner, action="x", actor="y", now=now)
