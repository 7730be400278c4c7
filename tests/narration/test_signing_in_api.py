from __future__ import annotations

import re

import pytest
from django.utils import timezone

from billing.models import Subscription
from billing.services import episode_usage
from keys.devices import approve_device
from keys.services import issue_key

CODES, TOKENS = "/api/v1/auth/device_codes", "/api/v1/auth/device_tokens"


@pytest.fixture
def program(client_for, transactional_db, settings, tmp_path):
    """The official command-line client before it has a key: its headers, and counters of its own."""
    settings.DATA_DIR = tmp_path
    client = client_for("")
    client.credentials(HTTP_USER_AGENT="podread-cli/1.0", HTTP_ACCEPT="application/json")
    return client


class TestDeviceFlow:
    def test_logs_the_command_line_client_in(self, program, issued, client_for, settings):
        started = program.post(CODES)
        assert started.status_code == 200
        body = started.json()
        assert list(body) == [
            "device_code",
            "verification_url",
            "user_code",
            "expires_in",
            "interval",
        ]
        assert re.fullmatch(r"[A-HJKMNP-Z]{4}-[A-HJKMNP-Z]{4}", body["user_code"])
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", body["device_code"])
        address = f"{settings.PUBLIC_URL}/auth/device?code={body['user_code']}"
        assert body["verification_url"] == address
        assert (body["expires_in"], body["interval"]) == (900, 5)
        waiting = program.post(TOKENS, {"device_code": body["device_code"]}, format="json")
        assert (waiting.status_code, waiting.json()) == (400, {"error": "authorization_pending"})

        approve_device(key=issued.key, user_code=body["user_code"], now=timezone.now())
        answer = program.post(TOKENS, {"device_code": body["device_code"]}, format="json")

        assert answer.status_code == 200
        assert list(answer.json()) == ["access_token", "user_email"]
        client = client_for(answer.json()["access_token"])
        for call in ("auth/status", "voices", "feed", "episodes?page=1&limit=10"):
            assert client.get(f"/api/v1/{call}").status_code == 200
        again = program.post(TOKENS, {"device_code": body["device_code"]}, format="json")
        assert (again.status_code, again.json()) == (400, {"error": "expired_token"})

    @pytest.mark.parametrize("body", [{}, {"device_code": 5}, {"device_code": "\x00"}, [], "x"])
    def test_knows_no_other_device_code(self, program, body):
        answer = program.post(TOKENS, body, format="json")

        assert (answer.status_code, answer.json()) == (400, {"error": "expired_token"})

    @pytest.mark.parametrize(("path", "allowed"), [(CODES, 5), (TOKENS, 30)])
    def test_is_limited_by_address(self, program, path, allowed, time_machine):
        time_machine.move_to("2026-03-14T12:00:20Z", tick=False)

        *answers, refused = [program.post(path) for _ in range(allowed + 1)]

        assert 429 not in {answer.status_code for answer in answers}
        assert refused.status_code == 429
        assert refused.json() == {"error": "Rate limit exceeded. Please try again later."}
        assert 0 < int(refused["Retry-After"]) <= 61


class TestStatus:
    def test_of_a_free_plan(self, owner_client):
        answer = owner_client.get("/api/v1/auth/status")

        assert answer.status_code == 200
        assert list(answer.json()) == ["email", "tier", "credits_remaining", "character_limit"]
        assert answer.json() == {
            "email": "",
            "tier": "free",
            "credits_remaining": 10,
            "character_limit": 15_000,
        }

    def test_of_a_plan_without_a_cap(self, owner, owner_client, now):
        episode_usage(owner, now=now)
        Subscription.objects.filter(account=owner).update(plan="agent_pro")

        answer = owner_client.get("/api/v1/auth/status").json()

        assert (answer["tier"], answer["credits_remaining"]) == ("unlimited", None)
        assert answer["character_limit"] == 50_000

    def test_demands_a_key_that_may_read_episodes(self, anonymous_client, owner, client_for, now):
        answer = anonymous_client.get("/api/v1/auth/status")
        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})

        scoped = issue_key(account=owner, name="", scopes=["shows:read"], actor="a test", now=now)
        answer = client_for(scoped.secret).get("/api/v1/auth/status")
        assert answer.status_code == 403


class TestMachinePayments:
    @pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
    @pytest.mark.parametrize("path", ["narrations", "narrations/nar_abc", "episodes", "x/y"])
    def test_are_absent(self, anonymous_client, method, path):
        answer = getattr(anonymous_client, method)(f"/api/v1/mpp/{path}")

        assert answer.status_code == 404
        assert list(answer.json()) == ["error"]
