"""The health probes."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery import current_app
from django.core.files.storage import storages
from django.db import connection
from django.test import Client

from tests.ports import free_port


class TestLive:
    def test_answers_without_a_database(self) -> None:
        # No database mark: pytest-django fails this test if the view so much as looks at it.
        answer = Client().get("/livez")

        assert answer.status_code == 200
        assert answer.json() == {"status": "ok"}

    @pytest.mark.parametrize("host", ["10.1.2.3", "pod-7:8000", ""])
    def test_answers_whatever_host_is_asked_for(self, host: str) -> None:
        answer = Client().get("/livez", headers={"host": host})

        assert answer.status_code == 200


class TestReady:
    def test_says_what_it_checked(self, transactional_db: None) -> None:
        answer = Client().get("/readyz")

        assert answer.status_code == 200
        assert answer.json()["checks"] == {
            "database": True,
            "broker": True,
            "storage": True,
            "counting": True,
        }

    def test_refuses_without_a_database(self, transactional_db: None) -> None:
        def fail(*arguments: object) -> None:
            raise OSError

        with connection.execute_wrapper(fail):
            answer = Client().get("/readyz")

        assert answer.status_code == 503
        assert answer.json()["checks"]["database"] is False

    def test_refuses_without_a_broker(
        self, transactional_db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(
            current_app.conf, "broker_write_url", f"redis://127.0.0.1:{free_port()}/0"
        )

        answer = Client().get("/readyz")

        assert answer.status_code == 503
        assert [name for name, passes in answer.json()["checks"].items() if not passes] == [
            "broker"
        ]

    def test_refuses_without_storage(
        self, transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setattr(storages["default"], "location", str(tmp_path / "file"))

        answer = Client().get("/readyz")

        assert answer.status_code == 503
        assert answer.json()["checks"]["storage"] is False

    @pytest.mark.parametrize("path", ["/livez", "/readyz"])
    def test_answers_are_never_cached(self, transactional_db: None, path: str) -> None:
        assert "no-store" in Client().get(path).headers["Cache-Control"]
