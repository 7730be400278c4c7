from __future__ import annotations

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from dashboard.admin_sign_in import ATTEMPTS

PASSWORD = "a long pass phrase"


@pytest.fixture
def browser(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    # The real one takes a second for these attempts.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    User.objects.create_superuser("admin", password=PASSWORD)
    # All attempts fall into one stretch of time.
    with time_machine.travel("2026-03-14T12:00:20Z", tick=False):
        yield Client()


def submit(browser, password, *, address="203.0.113.1"):
    fields = {"username": "admin", "password": password}
    return browser.post("/admin/login/?next=/admin/", fields, REMOTE_ADDR=address)


class TestAdminSignIn:
    def test_compares_no_more_passwords_of_an_address_that_tried_too_many(self, browser):
        for number in range(ATTEMPTS):
            assert "Too many" not in submit(browser, f"wrong {number}").content.decode()

        refused = submit(browser, PASSWORD)

        assert refused.status_code == 200
        assert "Too many attempts; try again in" in refused.content.decode()
        assert submit(browser, PASSWORD, address="203.0.113.2").status_code == 302
