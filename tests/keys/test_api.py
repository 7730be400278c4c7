from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from accounts.models import Account
from keys.lifecycle import revoke_keys
from keys.models import ApiKey
from keys.services import issue_key


class TestWithoutAKey:
    def test_opens_an_account_of_its_own(self, anonymous_client):
        for _ in range(2):
            anonymous_client.post("/api/keys", {"name": "agent"}, format="json")

        assert Account.objects.count() == 2

    def test_needs_no_body_at_all(self, anonymous_client):
        answer = anonymous_client.post("/api/keys")

        assert answer.status_code == 201
        assert answer.json()["api_key"]["name"] is None

    def test_is_never_stored_by_a_cache(self, anonymous_client):
        assert anonymous_client.post("/api/keys")["Cache-Control"] == "no-store"

    def test_keeps_the_hash_but_not_the_key(self, anonymous_client):
        secret = anonymous_client.post("/api/keys").json()["api_key"]["key"]

        row = ApiKey.objects.values().get()

        assert secret.removeprefix("pc_live_") not in str(row)
        assert len(row["digest"]) == 64

    def test_gives_a_scoped_key_no_quickstart_it_could_not_follow(self, anonymous_client):
        answer = anonymous_client.post("/api/keys", {"scopes": ["shows:read"]}, format="json")

        assert "quickstart" not in answer.json()

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": "x" * 256}, "name"),
            ({"name": 7}, "name"),
            ({"name": ["x"]}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["shows:admin"]}, "scopes"),
            ({"scopes": "shows:read"}, "scopes"),
            ({"scopes": [None]}, "scopes"),
            ({"scopes": [["shows:read"]]}, "scopes"),
            ({"scopes": {"shows:read": True}}, "scopes"),
            ({"email": "nobody"}, "email"),
            ({"email": "a@" + "b" * 300 + ".example"}, "email"),
        ],
    )
    def test_refuses_bad_fields_by_name_and_opens_nothing(self, anonymous_client, body, field):
        answer = anonymous_client.post("/api/keys", body, format="json")

        assert answer.status_code == 400
        assert answer.json()["field"] == field
        assert answer.json()["error"].startswith(f"{field}: ")
        assert not Account.objects.exists()

    def test_cleans_the_name(self, anonymous_client):
        answer = anonymous_client.post("/api/keys", {"name": " my\x00\n agent "}, format="json")

        assert answer.json()["api_key"]["name"] == "my agent"

    def test_is_refused_when_the_server_is_closed(self, anonymous_client, settings):
        settings.SIGNUPS_OPEN = False

        answer = anonymous_client.post("/api/keys")

        assert answer.status_code == 403
        assert "closed" in answer.json()["error"]


class TestWithAKey:
    def test_adds_a_key_to_the_same_account(self, owner_client, owner, client_for):
        answer = owner_client.post("/api/keys", {"scopes": ["shows:read"]}, format="json")

        assert answer.status_code == 201
        assert ApiKey.objects.filter(account=owner).count() == 2
        added = client_for(answer.json()["api_key"]["key"])
        assert added.get("/api/shows").status_code == 200

    def test_works_on_a_closed_server(self, owner_client, settings):
        settings.SIGNUPS_OPEN = False

        assert owner_client.post("/api/keys").status_code == 201

    def test_refuses_a_scoped_key(self, owner, client_for, now):
        scoped = issue_key(account=owner, name="", scopes=["shows:write"], actor="a test", now=now)

        answer = client_for(scoped.secret).post("/api/keys")

        assert answer.status_code == 403
        assert ApiKey.objects.count() == 2

    def test_refuses_an_unknown_key_instead_of_opening_an_account(self, client_for, owner):
        assert client_for("pc_live_unknown").post("/api/keys").status_code == 401
        assert Account.objects.count() == 1

    def test_refuses_a_revoked_key(self, issued, client_for, now):
        revoke_keys(key_ids=[issued.key.pk], actor="a test", now=now)

        assert client_for(issued.secret).get("/api/shows").status_code == 401

    @pytest.mark.parametrize(
        "header", ["Basic YTpi", "Bearer", "Bearer  ", "Token x", "Bearer " + "x" * 5_000, "\xff"]
    )
    def test_refuses_headers_that_hold_no_key(self, anonymous_client, header):
        answer = anonymous_client.get("/api/shows", headers={"authorization": header})

        assert answer.status_code == 401

    @pytest.mark.parametrize("path", ["/api/shows", "/v1/podcasts"])
    def test_tells_who_sends_none_how_to_send_one(self, anonymous_client, path):
        answer = anonymous_client.get(path)

        assert answer.status_code == 401
        assert "Authorization: Bearer <key>" in answer.content.decode()


class TestTheLimitPerAddress:
    @pytest.fixture(autouse=True)
    def clock(self, settings, tmp_path):
        """Two sign-ups an hour are allowed, there was none, and the hour does not end by itself."""
        settings.SIGNUPS_PER_HOUR = 2
        settings.DATA_DIR = tmp_path
        with time_machine.travel("2026-03-14T12:20:00Z", tick=False) as clock:
            yield clock

    def test_lets_two_in_and_tells_the_third_when_to_come_back(self, anonymous_client):
        codes = [anonymous_client.post("/api/keys").status_code for _ in range(2)]
        third = anonymous_client.post("/api/keys")

        assert codes == [201, 201]
        assert third.status_code == 429
        assert third["Retry-After"] == str(40 * 60 + 1)
        assert Account.objects.count() == 2

    def test_starts_anew_with_the_next_hour(self, anonymous_client, clock):
        for _ in range(3):
            anonymous_client.post("/api/keys")
        clock.shift(timedelta(hours=1))

        assert anonymous_client.post("/api/keys").status_code == 201

    def test_is_for_each_address(self, anonymous_client):
        for _ in range(3):
            anonymous_client.post("/api/keys")

        answer = anonymous_client.post("/api/keys", REMOTE_ADDR="203.0.113.9")

        assert answer.status_code == 201

    def test_takes_one_network_of_ipv6_for_one_address(self, anonymous_client):
        codes = [
            anonymous_client.post("/api/keys", REMOTE_ADDR=f"2001:db8::{n}").status_code
            for n in range(3)
        ]

        assert codes == [201, 201, 429]

    def test_does_not_believe_a_forwarded_address_of_a_stranger(self, anonymous_client):
        codes = [
            anonymous_client.post(
                "/api/keys", headers={"x-forwarded-for": f"203.0.113.{n}"}
            ).status_code
            for n in range(3)
        ]

        assert codes == [201, 201, 429]

    def test_counts_no_refused_bodies(self, anonymous_client):
        for _ in range(3):
            anonymous_client.post("/api/keys", {"scopes": []}, format="json")

        assert anonymous_client.post("/api/keys").status_code == 201

    def test_leaves_no_address_on_disk(self, anonymous_client, tmp_path):
        anonymous_client.post("/api/keys", REMOTE_ADDR="203.0.113.9")

        names = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")]
        contents = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]

        assert contents == [b"."]
        assert not any("203" in name and "113" in name for name in names)
