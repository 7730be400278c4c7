"""The reader of the environment: types, limits, files, and one clear line for what is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.env import (
    BASE_DIR,
    NAMES,
    SECRET_NAMES,
    BadSetting,
    read_environment,
    read_settings_file,
)

BIN = Path(sys.executable).parent


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.removeprefix("PODWRIGHT_").removesuffix("_FILE") in NAMES:
            monkeypatch.delenv(name)


class TestReadEnvironment:
    def test_has_a_default_for_everything_but_the_secret(self) -> None:
        environment = read_environment()

        assert environment.public_url == "http://127.0.0.1:8000"
        assert environment.database_url == f"sqlite:///{BASE_DIR}/var/podwright.sqlite3"

    def test_makes_the_public_url_of_host_and_port(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOST", "0.0.0.0")  # noqa: S104
        monkeypatch.setenv("PORT", "9000")

        assert read_environment().public_url == "http://localhost:9000"

    def test_prefers_the_prefixed_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORT", "9000")
        monkeypatch.setenv("PODWRIGHT_PORT", "9001")

        assert read_environment().port == 9001

    def test_takes_an_empty_value_for_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORT", "")

        assert read_environment().port == 8000

    @pytest.mark.parametrize("name", sorted(SECRET_NAMES))
    def test_reads_secrets_from_files(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
    ) -> None:
        value = {"DATABASE_URL": "postgres://db/x", "REDIS_URL": "redis://r/1"}.get(name, "secret")
        (tmp_path / "file").write_text(f"{value}\n")
        monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "" if "WEBHOOK" in name else "whsec_x")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "file"))

        assert getattr(read_environment(), name.lower()) == value

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PORT", "0"),
            ("PORT", "65536"),
            ("PORT", "80a"),
            ("PORT", "-1"),
            ("PORT", "\u0663"),
            ("PORT", "9" * 5000),
            ("PUBLIC_URL", "podcasts.example"),
            ("PUBLIC_URL", "ftp://podcasts.example"),
            ("PUBLIC_URL", "http://[::1"),
            ("PUBLIC_URL", "http://a:b"),
            ("DATABASE_URL", "mysql://db/x"),
            ("DATABASE_URL", "nonsense"),
            ("REDIS_URL", "amqp://r"),
            ("DEFAULT_PLAN", "gold"),
            ("TTS_ENGINE", "robot"),
            ("SIGNUPS_OPEN", "perhaps"),
            ("SIGNUPS_PER_HOUR", "many"),
            ("TRUSTED_PROXIES", "10.0.0.0/33"),
            ("OUTBOUND_ALLOW", "intranet"),
            ("WORKERS", "0"),
            ("SECRET_KEY_FILE", "/does/not/exist"),
            ("SECRET_KEY_FILE", "/"),
            ("PODWRIGHT_PROT", "8000"),
        ],
    )
    def test_refuses_what_cannot_be_used_in_one_line_that_names_it(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)

        with pytest.raises(BadSetting, match=name) as raised:
            read_environment()

        assert len(str(raised.value).splitlines()) == 1
        assert len(str(raised.value)) < 300

    def test_takes_payments_only_when_their_events_can_be_verified(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_secret")

        with pytest.raises(BadSetting, match="STRIPE_WEBHOOK_SECRET") as raised:
            read_environment()

        assert "sk_test" not in str(raised.value)

    def test_never_shows_a_password(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "mysql://user:hunter2@db/x")

        with pytest.raises(BadSetting) as raised:
            read_environment()

        assert "hunter2" not in str(raised.value)


class TestReadSettingsFile:
    def test_takes_what_the_environment_does_not_say(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / ".env").write_text("# where\nPORT=9000\nHOST='0.0.0.0'\n")
        monkeypatch.setenv("PORT", "9001")
        # Restored after the test, whatever the file sets.
        monkeypatch.setenv("HOST", "")
        monkeypatch.delenv("HOST")

        read_settings_file(tmp_path / ".env")

        assert read_environment().port == 9001
        assert read_environment().host == "0.0.0.0"  # noqa: S104

    def test_needs_no_file(self, tmp_path: Path) -> None:
        read_settings_file(tmp_path / ".env")

        assert read_environment().port == 8000

    def test_refuses_a_file_that_is_not_text(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")

        with pytest.raises(BadSetting, match="UTF-8"):
            read_settings_file(tmp_path / ".env")


class TestDocuments:
    def test_name_every_setting_and_no_other(self) -> None:
        example = (BASE_DIR / ".env.example").read_text()
        operations = (BASE_DIR / "docs/operations.md").read_text()

        assert set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE)) == NAMES
        assert set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", operations, re.MULTILINE)) == NAMES

    def test_tell_the_true_defaults(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = read_environment()
        for name, value in re.findall(
            r"^#(PORT|HOST|DEFAULT_PLAN|SIGNUPS_\w+|TTS_ENGINE|TTS_MODEL|NARRATION\w+)=(.+)$",
            (BASE_DIR / ".env.example").read_text(),
            re.MULTILINE,
        ):
            monkeypatch.setenv(name, value)

        assert read_environment() == before


class TestEntryPoints:
    """Whatever loads the settings first says in one line what is wrong with them."""

    COMMANDS = {
        "manage": [sys.executable, "manage.py", "check"],
        "celery": [str(BIN / "celery"), "-A", "config.celery", "report"],
        "wsgi": [sys.executable, "-c", "import config.wsgi"],
    }

    @pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
    @pytest.mark.parametrize(
        ("settings", "expected"),
        [({}, "SECRET_KEY is not set"), ({"SECRET_KEY": "x" * 50, "PORT": "no"}, "PORT must be")],
    )
    def test_refuse_in_one_line(
        self, tmp_path: Path, command: list[str], settings: dict[str, str], expected: str
    ) -> None:
        environment = {key: value for key, value in os.environ.items() if key not in NAMES}
        environment.pop("DJANGO_SETTINGS_MODULE", None)

        result = subprocess.run(
            command,
            cwd=BASE_DIR,
            env={**environment, "DATA_DIR": str(tmp_path), **settings},
            capture_output=True,
            text=True,
            check=False,
        )

        assert result.returncode != 0
        assert expected in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1, result.stderr
