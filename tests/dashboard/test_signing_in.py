from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from keys.devices import exchange_device, start_device
from keys.lifecycle import revoke_keys
from keys.services import issue_key


@pytest.fixture
def browser(transactional_db, settings, tmp_path):
    """A browser with CSRF checks, and counters of its own."""
    settings.DATA_DIR = tmp_path
    return Client(enforce_csrf_checks=True)


def submit(browser, path, **fields):
    """Opens the page and sends its form, as a browser does."""
    page = browser.get(path).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    return browser.post(
        path.partition("?")[0],
        {"csrfmiddlewaretoken": token, **fields},
        headers={"Referer": "https://podcasts.example/", "Host": "podcasts.example"},
    )


class TestSignIn:
    def test_leads_to_the_page_that_was_wanted(self, browser, issued):
        wanted = browser.get("/auth/device?code=ABCD-EFGH")
        assert wanted.status_code == 302

        page = browser.get(wanted["Location"]).content.decode()
        hidden = re.search(r'name="next" value="([^"]+)"', page)[1]
        answer = submit(browser, wanted["Location"], key=f" {issued.secret}\n", next=hidden)

        assert (answer.status_code, answer["Location"]) == (302, "/auth/device?code=ABCD-EFGH")
        page = browser.get(answer["Location"])
        assert page.status_code == 200
        assert 'value="ABCD-EFGH"' in page.content.decode()
        assert "no-store" in page["Cache-Control"]

    @pytest.mark.parametrize("key", ["", "pc_live_wrong", "\x00", "x" * 10_000, "<script>"])
    def test_refuses_what_is_no_key_and_repeats_nothing_of_it(self, browser, key):
        answer = submit(browser, "/sign-in", key=key)

        assert answer.status_code == 403
        page = answer.content.decode()
        assert "not known here" in page
        assert not key.strip() or key not in page.replace("<script>", "")

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "https://evil.example/",
            "//evil.example",
            "javascript:alert(1)",
            "\\\\evil.example",
            "\x00",
        ],
    )
    def test_never_leads_to_another_site(self, browser, issued, elsewhere):
        answer = submit(browser, "/sign-in", key=issued.secret, next=elsewhere)

        assert answer["Location"] == "/"

    def test_demands_the_token_against_forged_forms(self, browser, issued):
        assert browser.post("/sign-in", {"key": issued.secret}).status_code == 403
        assert browser.get("/auth/device").status_code == 302

    def test_gets_a_new_session_id(self, browser, issued):
        submit(browser, "/sign-in", key=issued.secret)
        first = browser.cookies["sessionid"].value

        submit(browser, "/sign-in", key=issued.secret)

        assert browser.cookies["sessionid"].value != first

    def test_is_limited(self, browser, issued, monkeypatch):
        monkeypatch.setattr("keys.sessions.ATTEMPTS", 2)
        for _ in range(2):
            submit(browser, "/sign-in", key="wrong")

        answer = submit(browser, "/sign-in", key=issued.secret)

        assert answer.status_code == 429

    def test_ends_with_its_key(self, browser, issued, now):
        submit(browser, "/sign-in", key=issued.secret)
        assert browser.get("/auth/device").status_code == 200

        revoke_keys(key_ids=[issued.key.pk], actor="a test", now=now)

        assert browser.get("/auth/device").status_code == 302

    def test_ends_by_signing_out(self, browser, issued):
        submit(browser, "/sign-in", key=issued.secret)
        page = browser.get("/sign-in").content.decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]

        browser.post(
            "/sign-out",
            {"csrfmiddlewaretoken": token},
            headers={"Referer": "https://podcasts.example/", "Host": "podcasts.example"},
        )

        assert browser.get("/auth/device").status_code == 302


class TestDevicePage:
    def test_lets_the_program_in(self, browser, issued):
        moment = timezone.now()
        submit(browser, "/sign-in", key=issued.secret)
        started = start_device(now=moment)

        answer = submit(browser, "/auth/device", code=started.user_code)

        assert answer.status_code == 200
        assert "Done." in answer.content.decode()
        made = exchange_device(device_code=started.device_code, now=moment)
        assert made.key.account == issued.key.account

    @pytest.mark.parametrize("code", ["", "AAAA-AAAA", "\x00<b>", "x" * 5_000])
    def test_says_when_no_program_waits(self, browser, issued, code):
        submit(browser, "/sign-in", key=issued.secret)

        answer = submit(browser, "/auth/device", code=code)

        assert answer.status_code == 400
        assert "No program waits" in answer.content.decode()

    def test_refuses_a_key_with_scopes(self, browser, owner, now):
        scoped = issue_key(
            account=owner, name="x", scopes=["episodes:read"], actor="a test", now=now
        )
        submit(browser, "/sign-in", key=scoped.secret)

        answer = submit(browser, "/auth/device", code="AAAA-AAAA")

        assert answer.status_code == 400
        assert "full-access key" in answer.content.decode()
