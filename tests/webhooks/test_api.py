from __future__ import annotations

import re
from itertools import pairwise

import pytest

from keys.services import issue_key
from webhooks.models import Delivery, Endpoint

PATHS = ("/api/v1/webhooks", "/api/webhooks")
URL = "https://yourapp.com/webhooks/podclaw"


@pytest.fixture(autouse=True)
def _no_names(monkeypatch):
    """No name server in tests: names have no address, literals are themselves."""

    def resolve(host):
        import ipaddress  # noqa: PLC0415 - only here

        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            raise OSError(host) from None

    for function in ("register_endpoint", "update_endpoint"):
        import webhooks.services  # noqa: PLC0415 - only here

        monkeypatch.setitem(getattr(webhooks.services, function).__kwdefaults__, "resolve", resolve)


@pytest.fixture
def registered(owner_client):
    answer = owner_client.post(PATHS[0], {"url": URL, "events": ["*"]}, format="json")
    return answer.json()["webhook"]


class TestRegister:
    @pytest.mark.parametrize("path", PATHS)
    def test_answers_as_the_page_shows_with_the_secret_once(self, owner_client, path):
        wanted = {"url": URL, "events": ["episode.published", "episode.deleted"]}

        answer = owner_client.post(path, wanted, format="json")
        listed = owner_client.get(path).json()

        body = answer.json()
        assert answer.status_code == 201
        assert body["success"] is True
        assert body["note"].startswith("Store the secret securely")
        made = body["webhook"]
        assert {name: made[name] for name in wanted} == wanted
        assert (type(made["id"]), made["is_active"]) == (int, True)
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made["secret"])
        assert (listed["success"], listed["count"]) == (True, 1)
        assert listed["webhooks"] == [
            {name: value for name, value in made.items() if name != "secret"}
        ]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "url"),
            ({"url": URL}, "events"),
            ({"events": ["*"]}, "url"),
            ({"url": URL, "events": []}, "events"),
            ({"url": URL, "events": ["show.eaten"]}, "events"),
            ({"url": URL, "events": ["webhook.ping"]}, "events"),
            ({"url": URL, "events": ["x" * 100_000]}, "events"),
            ({"url": URL, "events": "*"}, "events"),
            ({"url": URL, "events": {"a": 1}}, "events"),
            ({"url": URL, "events": [["*"]]}, "events"),
            ({"url": URL, "events": [None]}, "events"),
            ({"url": URL, "events": [1]}, "events"),
            ({"url": URL, "events": None}, "events"),
            ({"url": URL, "events": ["\x00*"]}, "events"),
            ({"url": None, "events": ["*"]}, "url"),
            ({"url": 7, "events": ["*"]}, "url"),
            ({"url": [URL], "events": ["*"]}, "url"),
            ({"url": "", "events": ["*"]}, "url"),
            ({"url": "https://example.com/" + "x" * 9_000, "events": ["*"]}, "url"),
            ({"url": "javascript:alert(1)", "events": ["*"]}, "url"),
            ({"url": "file:///etc/passwd", "events": ["*"]}, "url"),
            ({"url": "https://user:pass@example.com/", "events": ["*"]}, "url"),
            ({"url": "http://example.com/", "events": ["*"]}, "url"),
            ({"url": "https://127.0.0.1/", "events": ["*"]}, "url"),
            ({"url": "https://[::1]/", "events": ["*"]}, "url"),
            ({"url": "https://169.254.169.254/", "events": ["*"]}, "url"),
            ({"url": "https://exa mple.com/", "events": ["*"]}, "url"),
        ],
    )
    def test_refuses_with_the_field_at_fault(self, owner_client, body, field):
        answer = owner_client.post(PATHS[0], body, format="json")

        assert answer.status_code == 400
        assert answer.json()["success"] is False
        assert answer.json()["field"].startswith(field)
        assert len(answer.content) < 2_000
        assert not Endpoint.objects.exists()

    @pytest.mark.parametrize("text", ["", "[]", "null", "7", '"x"', "{", "[" * 5_000, "\xff"])
    def test_refuses_what_is_no_object(self, owner_client, text):
        answer = owner_client.post(
            PATHS[0], text.encode("latin-1"), content_type="application/json"
        )

        assert answer.status_code == 400
        assert not Endpoint.objects.exists()

    def test_keeps_each_event_once(self, owner_client):
        wanted = {"url": URL, "events": ["show.created", "show.created"] * 1_000}

        made = owner_client.post(PATHS[0], wanted, format="json").json()["webhook"]

        assert made["events"] == ["show.created"]


class TestOneWebhook:
    def test_is_read_changed_and_deleted(self, owner_client, registered):
        path = f"{PATHS[0]}/{registered['id']}"
        changes = {"url": URL + "/2", "events": ["show.created"], "is_active": False}

        changed = owner_client.patch(path, changes, format="json")
        read = owner_client.get(path).json()["webhook"]
        deleted = owner_client.delete(path)

        assert changed.status_code == 200
        assert {name: read[name] for name in changes} == changes
        assert read["disabled_reason"] == "owner"
        assert "secret" not in read
        assert "secret" not in changed.json()["webhook"]
        assert (deleted.status_code, deleted.content) == (204, b"")
        assert owner_client.get(path).status_code == 404

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"secret": "mine"},
            {"url": None},
            {"events": []},
            {"events": ["nothing"]},
            {"is_active": "perhaps"},
            {"is_active": None},
            {"url": "https://10.0.0.1/"},
        ],
    )
    def test_is_unchanged_by_a_bad_change(self, owner_client, registered, changes):
        path = f"{PATHS[0]}/{registered['id']}"

        answer = owner_client.patch(path, changes, format="json")

        assert answer.status_code == 400
        read = owner_client.get(path).json()["webhook"]
        assert read == {name: value for name, value in registered.items() if name != "secret"}


class TestExtras:
    def test_ping_is_in_the_log_and_can_be_sent_again(
        self, owner_client, endpoint, dispatch, bodies, clock
    ):
        from django.utils import timezone  # noqa: PLC0415 - the views' own clock

        clock.now = timezone.now()
        path = f"{PATHS[0]}/{endpoint.pk}"

        pinged = owner_client.post(f"{path}/ping")
        clock.now = timezone.now()
        dispatch()
        log = owner_client.get(f"{path}/deliveries").json()
        delivery_id = pinged.json()["delivery"]["delivery_id"]
        again = owner_client.post(f"{PATHS[0]}/deliveries/{delivery_id}/redeliver")
        clock.now = timezone.now()
        dispatch()

        assert (pinged.status_code, again.status_code) == (202, 202)
        assert (log["count"], log["total"]) == (1, 1)
        [logged] = log["deliveries"]
        assert (logged["delivery_id"], logged["event"]) == (delivery_id, "webhook.ping")
        assert (logged["state"], logged["last_status"]) == ("delivered", 200)
        assert [one["answer"] for one in logged["attempt_log"]] == ["thanks"]
        assert [one["delivery_id"] for one in bodies()] == [delivery_id] * 2

    def test_replay_counts_what_it_queues(self, owner_client, endpoint, record):
        record()
        path = f"{PATHS[0]}/{endpoint.pk}/replay"

        answer = owner_client.post(path, {"since": "2026-03-14T00:00:00Z"}, format="json")
        later = owner_client.post(path, {"since": "2026-03-15"}, format="json")

        assert (answer.status_code, answer.json()["queued"]) == (202, 1)
        assert later.json()["queued"] == 0

    @pytest.mark.parametrize(
        "body", [{}, {"since": None}, {"since": 5}, {"since": "0000-01-01"}, {"since": "\x00"}]
    )
    def test_replay_needs_a_time(self, owner_client, endpoint, body):
        answer = owner_client.post(f"{PATHS[0]}/{endpoint.pk}/replay", body, format="json")

        assert (answer.status_code, answer.json()["field"]) == (400, "since")

    def test_rotation_shows_the_new_secret_once(self, owner_client, registered):
        path = f"{PATHS[0]}/{registered['id']}"

        rotated = owner_client.post(f"{path}/rotate-secret")

        assert rotated.status_code == 200
        assert rotated.json()["webhook"]["secret"] != registered["secret"]
        kept = Endpoint.objects.get()
        assert kept.previous_secret == registered["secret"]
        assert "secret" not in owner_client.get(path).json()["webhook"]

    @pytest.mark.parametrize("hours", [-1, 169, "long", None, [], 1.5])
    def test_rotation_refuses_odd_overlaps(self, owner_client, registered, hours):
        path = f"{PATHS[0]}/{registered['id']}/rotate-secret"

        answer = owner_client.post(path, {"overlap_hours": hours}, format="json")

        assert answer.status_code == 400
        assert Endpoint.objects.get().secret == registered["secret"]

    def test_log_is_paged_newest_first_and_filtered(
        self, owner_client, endpoint, record, dispatch, django_assert_num_queries
    ):
        for _ in range(5):
            record()
        dispatch()
        path = f"{PATHS[0]}/{endpoint.pk}/deliveries"

        # Key, endpoint, page, attempts, total.
        owner_client.get(path)
        with django_assert_num_queries(5):
            page = owner_client.get(path, {"limit": 2, "offset": 1}).json()
        waiting = owner_client.get(path, {"state": "waiting"}).json()

        newest = list(Delivery.objects.newest_first().values_list("uuid", flat=True))
        assert [one["delivery_id"] for one in page["deliveries"]] == [
            str(one) for one in newest[1:3]
        ]
        assert (page["count"], page["total"], page["limit"], page["offset"]) == (2, 5, 2, 1)
        assert waiting["total"] == 0
        assert owner_client.get(path, {"state": "lost"}).status_code == 400
        assert owner_client.get(path, {"limit": "-1"}).status_code == 400


class TestAccess:
    ROUTES = (
        ("get", "", "webhooks:read"),
        ("post", "", "webhooks:write"),
        ("get", "/{id}", "webhooks:read"),
        ("patch", "/{id}", "webhooks:write"),
        ("post", "/{id}/ping", "webhooks:write"),
        ("get", "/{id}/deliveries", "webhooks:read"),
        ("post", "/{id}/replay", "webhooks:write"),
        ("post", "/{id}/rotate-secret", "webhooks:write"),
        ("post", "/deliveries/{delivery}/redeliver", "webhooks:write"),
        ("delete", "/{id}", "webhooks:write"),
    )

    @pytest.fixture
    def call(self, endpoint, record, dispatch):
        record()
        dispatch()
        delivery = Delivery.objects.get().uuid
        body = {"url": URL, "events": ["*"], "since": "2026-03-14", "is_active": True}

        def make(client, method, path):
            address = PATHS[0] + path.format(id=endpoint.pk, delivery=delivery)
            if method in {"get", "delete"}:
                return getattr(client, method)(address)
            return getattr(client, method)(address, body, format="json")

        return make

    @pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
    def test_needs_a_key_with_the_scope(
        self, call, owner, client_for, anonymous_client, now, method, path, scope
    ):
        def client(held):
            made = issue_key(account=owner, name="", scopes=[held], actor="a test", now=now)
            return client_for(made.secret)

        other = "webhooks:read" if scope == "webhooks:write" else "webhooks:write"

        assert call(anonymous_client, method, path).status_code == 401
        refused = call(client(other), method, path)
        assert refused.status_code == 403
        assert refused.json()["error"].startswith(f'Insufficient scope. Required: "{scope}"')
        assert call(client(scope), method, path).status_code in {200, 201, 202, 204}

    @pytest.mark.parametrize(("method", "path", "scope"), [one for one in ROUTES if one[1]])
    def test_finds_nothing_of_another_account(
        self, call, stranger_client, endpoint, method, path, scope
    ):
        before = Endpoint.objects.values().get()

        answer = call(stranger_client, method, path)

        assert answer.status_code == 404
        assert Endpoint.objects.values().get() == before
        assert stranger_client.get(PATHS[0]).json()["count"] == 0

    @pytest.mark.parametrize(
        "path",
        ["/0", "/9999999999999999999", "/x", "/1/", "/deliveries/x/redeliver", "/-1", "/1.5"],
    )
    def test_answers_404_in_json_for_odd_addresses(self, owner_client, path):
        answer = (
            owner_client.post(PATHS[0] + path)
            if "redeliver" in path
            else owner_client.get(PATHS[0] + path)
        )

        assert answer.status_code == 404
        assert answer.json()["success"] is False

    def test_answers_405_for_other_methods(self, owner_client, registered):
        assert owner_client.put(PATHS[0]).status_code == 405
        assert owner_client.get(f"{PATHS[0]}/{registered['id']}/ping").status_code == 405


def test_both_prefixes_answer_alike(owner_client, registered):
    for first, second in pairwise(PATHS):
        assert owner_client.get(first).json() == owner_client.get(second).json()
