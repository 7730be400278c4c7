"""The folder, the port and the operator's first secrets."""

from __future__ import annotations

import socket
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from accounts.models import Account
from config.env import BadSetting
from config.first_start import hold_data_dir, prepare_data_dir, require_free_port
from config.operator import FirstSecrets, ensure_operator
from config.welcome import welcome
from keys.services import find_active_key
from tests.ports import free_port


class TestPrepareDataDir:
    def test_keeps_the_secret_key_that_is_there(self, tmp_path: Path) -> None:
        prepare_data_dir(tmp_path / "var")
        first = (tmp_path / "var/secret_key").read_text()
        prepare_data_dir(tmp_path / "var")

        assert len(first) >= 50
        assert (tmp_path / "var/secret_key").read_text() == first

    def test_makes_another_key_for_another_folder(self, tmp_path: Path) -> None:
        for name in ("one", "other"):
            prepare_data_dir(tmp_path / name)

        assert (tmp_path / "one/secret_key").read_text() != (
            tmp_path / "other/secret_key"
        ).read_text()

    def test_refuses_a_path_through_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(BadSetting, match=r"DATA_DIR .* cannot be written"):
            prepare_data_dir(tmp_path / "file" / "var")


class TestHoldDataDir:
    def test_lets_nobody_else_in(self, tmp_path: Path) -> None:
        with (
            hold_data_dir(tmp_path),
            pytest.raises(BadSetting, match=r"already runs .* \(process \d+\)"),
            hold_data_dir(tmp_path),
        ):
            pass

    def test_lets_the_next_one_in(self, tmp_path: Path) -> None:
        for _ in range(2):
            with hold_data_dir(tmp_path):
                pass


class TestRequireFreePort:
    def test_accepts_a_free_one(self) -> None:
        require_free_port("127.0.0.1", free_port())

    def test_waits_for_one_that_becomes_free(self, monkeypatch: pytest.MonkeyPatch) -> None:
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr("config.first_start.time.sleep", lambda _: taken.close())

        require_free_port("127.0.0.1", taken.getsockname()[1])

    @pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "a" * 300])
    def test_refuses_an_address_that_is_not_ours(self, host: str) -> None:
        with pytest.raises(BadSetting, match="HOST"):
            require_free_port(host, free_port())


class TestEnsureOperator:
    def test_makes_account_key_and_admin(self, transactional_db: None, now: datetime) -> None:
        made = ensure_operator(now=now)

        assert made.api_key is not None
        key = find_active_key(secret=made.api_key, now=now)
        assert key is not None
        assert key.account.is_operator
        assert key.has_full_access
        assert authenticate(username="admin", password=made.admin_password) is not None

    def test_makes_nothing_twice(self, transactional_db: None, now: datetime) -> None:
        ensure_operator(now=now)

        assert ensure_operator(now=now) == FirstSecrets(api_key=None, admin_password=None)
        assert Account.objects.filter(is_operator=True).count() == 1
        assert User.objects.count() == 1

    def test_leaves_an_admin_of_another_name_alone(
        self, transactional_db: None, now: datetime
    ) -> None:
        User.objects.create_superuser("ada", password="x")

        assert ensure_operator(now=now).admin_password is None

    def test_does_not_take_over_a_user_of_the_same_name(
        self, transactional_db: None, now: datetime
    ) -> None:
        User.objects.create_user("admin", password="x")

        assert ensure_operator(now=now).admin_password is None
        assert not User.objects.get(username="admin").is_superuser


class TestWelcome:
    BASE = "https://podcasts.example"

    def test_shows_secrets_that_were_made_now(self) -> None:
        text = welcome(base_url=self.BASE, made=FirstSecrets("pc_live_x", "hunter2"))

        assert text.count("hunter2") == 1
        assert "curl -X POST https://podcasts.example/api/shows " in text
        assert "YOUR_API_KEY" not in text

    def test_tells_later_starts_how_to_make_new_ones(self) -> None:
        text = welcome(base_url=self.BASE, made=FirstSecrets(None, None))

        assert "manage.py issue_key" in text
        assert "manage.py changepassword admin" in text
        assert "Bearer YOUR_API_KEY" in text


class TestIssueKey:
    def test_prints_a_key_of_the_operator(self, transactional_db: None, now: datetime) -> None:
        out = StringIO()

        call_command("issue_key", name="laptop", stdout=out)

        key = find_active_key(secret=out.getvalue().strip(), now=now)
        assert key is not None
        assert key.account.is_operator
        assert key.name == "laptop"
        assert key.has_full_access

    def test_limits_the_key_to_scopes(self, transactional_db: None, now: datetime) -> None:
        out = StringIO()

        call_command("issue_key", "--scope", "shows:read", stdout=out)

        key = find_active_key(secret=out.getvalue().strip(), now=now)
        assert key is not None
        assert key.scopes == ["shows:read"]

    def test_refuses_an_unknown_scope(self, transactional_db: None) -> None:
        with pytest.raises(CommandError, match="everything"):
            call_command("issue_key", "--scope", "everything")
