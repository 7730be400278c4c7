from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction

from billing.models import Subscription
from billing.services import episode_usage
from episodes.models import Episode
from episodes.services import (
    ProducedEpisode,
    StoredAudio,
    attach_production,
    fail_production,
)
from keys.services import issue_key
from narration.models import Narration
from production.voices.registry import voice_catalog
from shows.models import Show
from tests.factories.published import publish_external

EPISODES = "/api/v1/episodes"
TEXT = "Trains have run on this line for a hundred and fifty years, and they are never late. " * 2
A_TEXT = {"source_type": "text", "title": "Weekly notes", "author": "Jesse", "text": TEXT}
A_URL = {"source_type": "url", "url": "https://site.example/p/land?utm_source=feed#part"}
NOT_FOUND = {"error": "Episode not found"}
KEYS = [
    "id",
    "title",
    "author",
    "description",
    "status",
    "source_type",
    "source_url",
    "audio_url",
    "duration_seconds",
    "error_message",
    "created_at",
]


@pytest.fixture
def paying_owner(owner, now):
    episode_usage(owner, now=now)
    Subscription.objects.filter(account=owner).update(plan="agent_pro")
    return owner


def post(client, body, **options):
    return client.post(EPISODES, body, format="json", **options)


def created(client, body=A_TEXT):
    response = post(client, body)
    assert response.status_code == 201, response.content
    return response.json()["id"]


def refusal(client, body):
    response = post(client, body)
    assert list(response.json()) == ["error"]
    return response.status_code, response.json()["error"]


class TestCreate:
    def test_answers_with_the_id_alone(self, owner_client):
        response = post(owner_client, A_TEXT)

        assert response.status_code == 201
        assert response["Content-Type"] == "application/json"
        episode = Episode.objects.get()
        assert response.json() == {"id": episode.public_id}
        assert episode.public_id.startswith("ep_")

    def test_takes_the_two_curls_of_the_contract(self, owner_client):
        url = '{"source_type":"url","url":"https://www.worksinprogress.news/p/railways"}'
        text = json.dumps({**A_TEXT, "text": TEXT})

        for body in (url, text):
            response = owner_client.post(EPISODES, body, content_type="application/json")
            assert response.status_code == 201

        assert Narration.objects.count() == 2

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({}, "source_type is required. Use 'url', 'text', or 'extension'."),
            (
                {"source_type": ""},
                "source_type is required. Use 'url', 'text', or 'extension'.",
            ),
            (
                {"source_type": None},
                "source_type is required. Use 'url', 'text', or 'extension'.",
            ),
            ({"source_type": "fax"}, "source_type must be 'url', 'text', or 'extension'."),
            ({"source_type": 5}, "source_type must be 'url', 'text', or 'extension'."),
            ({"source_type": ["url"]}, "source_type must be 'url', 'text', or 'extension'."),
            (
                {"source_type": "file"},
                (
                    "source_type 'file' is read-only and cannot be submitted via this API. "
                    "Use 'url', 'text', or 'extension'."
                ),
            ),
            (
                {"source_type": "email"},
                (
                    "source_type 'email' is read-only and cannot be submitted via this API. "
                    "Use 'url', 'text', or 'extension'."
                ),
            ),
            ({"source_type": "extension", "title": "x", "content": TEXT}, "Invalid URL"),
            ({**A_URL, "source_type": "extension", "content": TEXT}, "Title can't be blank"),
            (
                {**A_URL, "source_type": "extension", "title": "x"},
                "Content cannot be empty",
            ),
            (
                {**A_URL, "source_type": "extension", "title": "x", "content": "<p>short</p>"},
                "Content must be at least 100 characters",
            ),
            (
                {**A_URL, "source_type": "extension", "title": "x", "content": "short"},
                "Content must be at least 100 characters",
            ),
            ({**A_URL, "html": ""}, "Html cannot be empty"),
            ({**A_URL, "html": 5}, "Html must be a string"),
            (
                {**A_URL, "description": "x" * 1_001},
                "Description is too long (maximum is 1000 characters)",
            ),
            ({"source_type": "url"}, "Invalid URL"),
            ({"source_type": "url", "url": ""}, "Invalid URL"),
            ({"source_type": "url", "url": 5}, "Invalid URL"),
            ({"source_type": "url", "url": "nonsense"}, "Invalid URL"),
            ({"source_type": "url", "url": "ftp://site.example/"}, "Invalid URL"),
            ({"source_type": "url", "url": "http://a\x00b.example/"}, "Invalid URL"),
            ({"source_type": "url", "url": "http://" + "x" * 20_000}, "Invalid URL"),
            ({"source_type": "text"}, "Content cannot be empty"),
            ({"source_type": "text", "text": " \n\t"}, "Content cannot be empty"),
            ({"source_type": "text", "text": "\x00\x01"}, "Content cannot be empty"),
            ({"source_type": "text", "text": ["x"]}, "Content must be a string"),
            (
                {"source_type": "text", "text": "x" * 99},
                "Content must be at least 100 characters",
            ),
            (
                {"source_type": "text", "text": "x" * 16_305},
                "Content exceeds your plan's 15,000 character limit (16,305 characters)",
            ),
            (
                {**A_TEXT, "title": "x" * 256},
                "Title is too long (maximum is 255 characters)",
            ),
            (
                {**A_TEXT, "author": "x" * 256},
                "Author is too long (maximum is 255 characters)",
            ),
            ({**A_TEXT, "title": {"a": 1}}, "Title must be a string"),
            ({**A_TEXT, "voice": 7}, "Voice must be the id of a voice"),
            (
                {**A_TEXT, "voice": "felix"},
                "Unknown voice: felix. Voices on offer: high, low, tief.",
            ),
            (
                {**A_URL, "voice": "felix"},
                "Unknown voice: felix. Voices on offer: high, low, tief.",
            ),
            (["source_type", "text"], "The request body must be a JSON object."),
            ("text", "The request body must be a JSON object."),
            (None, "The request body must be a JSON object."),
        ],
    )
    def test_refuses_in_the_contracts_words(self, owner_client, body, error):
        sent = owner_client.post(EPISODES, json.dumps(body), content_type="application/json")

        assert (sent.status_code, sent.json()) == (422, {"error": error})
        assert not Narration.objects.exists()

    def test_explains_an_inbox_link(self, owner_client):
        body = {"source_type": "url", "url": "https://substack.com/inbox/post/1"}

        status, error = refusal(owner_client, body)

        assert status == 422
        assert "its own address" in error

    @pytest.mark.parametrize(
        "body", [b"{", b"", b"\xff\xfe", b'{"a":NaN}', b"[" * 100_000, b'{"text":"\\ud800"}']
    )
    def test_refuses_malformed_json_with_400(self, owner_client, body):
        response = owner_client.post(EPISODES, body, content_type="application/json")

        assert response.status_code in {400, 422}
        assert list(response.json()) == ["error"]
        assert isinstance(response.json()["error"], str)

    def test_refuses_other_media_types(self, owner_client):
        response = owner_client.post(
            EPISODES, "source_type=url", content_type="application/x-www-form-urlencoded"
        )

        assert response.status_code == 415
        assert list(response.json()) == ["error"]

    def test_ignores_fields_that_it_does_not_know(self, owner_client):
        created(owner_client, {**A_TEXT, "speed": 9, "id": "ep_mine", "status": "complete"})

        assert Episode.objects.get().production_state == "pending"

    def test_takes_what_the_first_party_extension_sends(self, owner_client):
        body = {**A_URL, "source_type": "extension", "title": "Land", "content": TEXT}

        public_id = created(owner_client, body)

        shown = owner_client.get(f"{EPISODES}/{public_id}").json()["episode"]
        assert (shown["source_type"], shown["title"]) == ("extension", "Land")
        assert shown["source_url"] == "https://site.example/p/land"

    def test_puts_the_episode_into_a_show_that_is_named(self, owner_client, show):
        created(owner_client, {**A_TEXT, "show_id": show.pk})

        assert Episode.objects.get().show == show

    @pytest.mark.parametrize("show_id", ["x", -1, 1.5, True, [], 2**70, "9" * 30])
    def test_refuses_what_is_no_id_of_a_show(self, owner_client, show_id):
        assert refusal(owner_client, {**A_TEXT, "show_id": show_id}) == (
            422,
            "Show_id must be the id of a show",
        )

    def test_knows_no_show_of_a_stranger(self, stranger_client, show):
        assert refusal(stranger_client, {**A_TEXT, "show_id": show.pk}) == (404, "Show not found")

    def test_makes_one_episode_of_a_post_repeated_under_one_idempotency_key(self, owner_client):
        first, second = (
            post(owner_client, A_TEXT, headers={"Idempotency-Key": "one"}) for _ in range(2)
        )

        assert first.json() == second.json()
        assert Narration.objects.count() == 1

    def test_is_not_idempotent(self, owner_client):
        assert created(owner_client) != created(owner_client)

    def test_takes_blank_title_and_voice_for_none(self, owner_client):
        created(owner_client, {**A_TEXT, "title": "  ", "author": None, "voice": ""})

        assert Episode.objects.get().title == "Processing..."

    def test_cleans_what_it_stores(self, owner_client):
        created(owner_client, {**A_TEXT, "title": "A\x00 b\n c", "text": TEXT + "\r\n\x07end"})

        narration = Narration.objects.select_related("episode").get()
        assert narration.episode.title == "A b c"
        assert narration.text == TEXT + "\nend"


class TestOrderOfChecks:
    """Key, then quota, then rate, then source_type, then content."""

    def test_a_bad_key_comes_first(self, client_for, transactional_db):
        response = client_for("pc_live_wrong").post(EPISODES, "{", content_type="application/json")

        assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})

    def test_an_exhausted_quota_comes_before_the_rate_and_the_content(self, owner_client, settings):
        for _ in range(10):
            created(owner_client)

        response = post(owner_client, {"source_type": "nonsense"})

        assert response.status_code == 402
        assert response.content.decode() == json.dumps(
            {
                "error": "Payment required",
                "credits_remaining": 0,
                "subscription_active": False,
                "paid_user": False,
                "upgrade_url": f"{settings.PUBLIC_URL}/billing",
            },
            separators=(",", ":"),
        )
        assert "WWW-Authenticate" not in response

    def test_the_hourly_rate_comes_before_the_content(self, paying_owner, owner_client):
        for _ in range(20):
            created(owner_client)

        response = post(owner_client, {"source_type": "nonsense"})

        assert response.status_code == 429
        assert response.json() == {"error": "You've reached your hourly episode limit"}
        assert "Retry-After" not in response

    def test_a_client_in_a_loop_is_told_when_to_come_back(self, owner_client, settings, tmp_path):
        settings.DATA_DIR, settings.REQUESTS_PER_MINUTE = tmp_path, 2
        with time_machine.travel(datetime(2026, 4, 19, 14, 22, 9, tzinfo=UTC), tick=False):
            for _ in range(2):
                post(owner_client, {"source_type": "nonsense"})

            response = post(owner_client, A_TEXT)

        assert response.status_code == 429
        assert response.json() == {"error": "Rate limit exceeded. Please try again later."}
        assert 0 < int(response["Retry-After"]) <= 61

    def test_refused_requests_do_not_count(self, paying_owner, owner_client):
        for _ in range(25):
            post(owner_client, {"source_type": "text", "text": "short"})

        created(owner_client)

    def test_the_hourly_limit_is_exact_for_parallel_requests(
        self, paying_owner, issued, client_for
    ):
        def call(_number):
            try:
                return post(client_for(issued.secret), A_TEXT).status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(30) as threads:
            codes = sorted(threads.map(call, range(30)))

        assert codes == [201] * 20 + [429] * 10
        assert Show.objects.filter(account=paying_owner).count() == 1


class TestShow:
    def test_has_the_keys_of_the_contract_in_their_order(self, owner_client):
        public_id = created(owner_client)

        response = owner_client.get(f"{EPISODES}/{public_id}")

        assert response.status_code == 200
        body = response.json()
        assert list(body) == ["episode"]
        assert list(body["episode"]) == KEYS

    def test_shows_placeholders_for_what_is_not_known_yet(self, owner_client):
        moment = datetime(2026, 4, 19, 14, 22, 9, 987_654, tzinfo=UTC)
        with time_machine.travel(moment, tick=False):
            public_id = created(owner_client, A_URL)

        assert owner_client.get(f"{EPISODES}/{public_id}").json()["episode"] == {
            "id": public_id,
            "title": "Processing...",
            "author": "Processing...",
            "description": "Processing article from URL...",
            "status": "pending",
            "source_type": "url",
            "source_url": "https://site.example/p/land",
            "audio_url": None,
            "duration_seconds": None,
            "error_message": None,
            "created_at": "2026-04-19T14:22:09Z",
        }

    def test_shows_a_text_as_pasted_without_an_address(self, owner_client):
        shown = owner_client.get(f"{EPISODES}/{created(owner_client)}").json()["episode"]

        assert (shown["source_type"], shown["source_url"]) == ("paste", None)
        assert (shown["title"], shown["author"]) == ("Weekly notes", "Jesse")
        assert shown["description"] == "Processing pasted text..."

    def test_shows_the_audio_once_it_is_complete(self, owner_client, now, settings):
        public_id = created(owner_client)
        audio = StoredAudio(
            storage_key="audio/abc.mp3",
            filename="abc.mp3",
            bytes=1_000,
            sha256="0" * 64,
            mime_type="audio/mpeg",
            duration_seconds=611.7,
            header_bytes=10,
        )
        with transaction.atomic():
            attach_production(
                episode_id=Episode.objects.get().pk,
                produced=ProducedEpisode(audio=audio, documents=[]),
                publish=True,
                now=now,
            )

        shown = owner_client.get(f"{EPISODES}/{public_id}").json()["episode"]

        assert shown["status"] == "complete"
        assert shown["audio_url"] == f"{settings.PUBLIC_URL}/media/audio/abc.mp3"
        assert shown["duration_seconds"] == 612
        assert shown["error_message"] is None

    def test_shows_the_reason_once_it_has_failed(self, owner_client, now):
        public_id = created(owner_client)
        with transaction.atomic():
            fail_production(
                episode_id=Episode.objects.get().pk, reason="Could not fetch URL", now=now
            )

        shown = owner_client.get(f"{EPISODES}/{public_id}").json()["episode"]

        assert (shown["status"], shown["error_message"]) == ("failed", "Could not fetch URL")
        assert shown["audio_url"] is None

    @pytest.mark.parametrize("method", ["get", "delete"])
    @pytest.mark.parametrize(
        "public_id", ["ep_unknown", "nonsense", "ep_", "%00", "ep_%F0%9F%9A%82"]
    )
    def test_knows_no_other_id(self, owner_client, method, public_id):
        response = getattr(owner_client, method)(f"{EPISODES}/{public_id}")

        assert (response.status_code, response.json()) == (404, NOT_FOUND)

    @pytest.mark.parametrize("method", ["get", "delete"])
    def test_hides_it_from_strangers(self, owner_client, stranger_client, method):
        public_id = created(owner_client)

        response = getattr(stranger_client, method)(f"{EPISODES}/{public_id}")

        assert (response.status_code, response.json()) == (404, NOT_FOUND)
        assert Narration.objects.count() == 1

    def test_does_not_show_hosted_episodes(self, owner, owner_client, show, now):
        hosted = publish_external(owner, show, now=now)

        response = owner_client.get(f"{EPISODES}/{hosted.public_id}")

        assert (response.status_code, response.json()) == (404, NOT_FOUND)


class TestList:
    @pytest.fixture
    def five(self, owner_client, now):
        """Ids of five narrations, newest first."""
        ids = []
        for minute in range(5):
            with time_machine.travel(now + timedelta(minutes=minute), tick=False):
                ids.append(created(owner_client))
        return ids[::-1]

    @pytest.mark.parametrize(
        ("query", "page", "limit", "shown"),
        [
            ("", 1, 20, [0, 1, 2, 3, 4]),
            ("?limit=2", 1, 2, [0, 1]),
            ("?page=2&limit=2", 2, 2, [2, 3]),
            ("?page=3&limit=2", 3, 2, [4]),
            ("?page=4&limit=2", 4, 2, []),
            ("?page=0&limit=2", 1, 2, [0, 1]),
            ("?page=-7&limit=2", 1, 2, [0, 1]),
            ("?limit=0", 1, 1, [0]),
            ("?limit=-1", 1, 1, [0]),
            ("?limit=101", 1, 100, [0, 1, 2, 3, 4]),
            ("?limit=abc", 1, 1, [0]),
            ("?limit=", 1, 1, [0]),
            ("?limit=2abc", 1, 2, [0, 1]),
            ("?page=abc&limit=2", 1, 2, [0, 1]),
            ("?limit=%00", 1, 1, [0]),
            ("?limit=" + "9" * 5_000, 1, 100, [0, 1, 2, 3, 4]),
            ("?page=" + "9" * 30, 10**9, 20, []),
            ("?page=٣", 1, 20, [0, 1, 2, 3, 4]),
        ],
    )
    def test_pages_newest_first_and_clamps(self, owner_client, five, query, page, limit, shown):
        response = owner_client.get(f"{EPISODES}{query}")

        assert response.status_code == 200
        body = response.json()
        assert list(body) == ["episodes", "meta"]
        assert body["meta"] == {"page": page, "limit": limit, "total": 5}
        assert [episode["id"] for episode in body["episodes"]] == [five[i] for i in shown]

    def test_elements_are_the_same_objects_unwrapped(self, owner_client):
        public_id = created(owner_client)

        listed = owner_client.get(EPISODES).json()["episodes"]

        assert listed == [owner_client.get(f"{EPISODES}/{public_id}").json()["episode"]]

    def test_is_empty_for_a_new_account(self, owner_client):
        assert owner_client.get(EPISODES).json() == {
            "episodes": [],
            "meta": {"page": 1, "limit": 20, "total": 0},
        }

    def test_shows_strangers_nothing(self, owner_client, stranger_client):
        created(owner_client)

        assert stranger_client.get(EPISODES).json()["meta"]["total"] == 0

    def test_orders_what_was_created_in_the_same_moment(self, owner_client, now):
        with time_machine.travel(now, tick=False):
            made = [created(owner_client) for _ in range(4)]

        listed = [episode["id"] for episode in owner_client.get(EPISODES).json()["episodes"]]

        assert listed == made[::-1]

    def test_takes_the_same_few_queries_for_any_number(
        self, owner_client, five, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(5):
            owner_client.get(EPISODES)

    def test_leaves_the_flat_list_of_a_show_to_the_other_contract(
        self, owner, owner_client, show, now
    ):
        hosted = publish_external(owner, show, now=now)

        response = owner_client.get(f"{EPISODES}?show_id={show.pk}")

        assert response.json()["success"] is True
        assert [episode["id"] for episode in response.json()["episodes"]] == [hosted.pk]

    def test_leaves_integer_ids_to_the_other_contract(self, owner, owner_client, show, now):
        hosted = publish_external(owner, show, now=now)

        response = owner_client.get(f"{EPISODES}/{hosted.pk}")

        assert response.json()["episode"]["id"] == hosted.pk


class TestDelete:
    def test_confirms_and_is_gone(self, owner_client):
        public_id = created(owner_client)

        response = owner_client.delete(f"{EPISODES}/{public_id}")

        assert (response.status_code, response.json()) == (200, {"deleted": True})
        assert owner_client.get(f"{EPISODES}/{public_id}").status_code == 404
        assert owner_client.get(EPISODES).json()["meta"]["total"] == 0
        again = owner_client.delete(f"{EPISODES}/{public_id}")
        assert (again.status_code, again.json()) == (404, NOT_FOUND)


class TestFeedAddress:
    def test_tells_the_private_address_before_and_after_the_first_episode(
        self, owner_client, settings
    ):
        before = owner_client.get("/api/v1/feed")
        created(owner_client)
        after = owner_client.get("/api/v1/feed")

        token = Show.objects.get().feed_token
        assert before.json() == after.json()
        assert before.json() == {"feed_url": f"{settings.PUBLIC_URL}/feeds/{token}.xml"}

    def test_differs_between_accounts(self, owner_client, stranger_client):
        addresses = {
            client.get("/api/v1/feed").json()["feed_url"]
            for client in (owner_client, stranger_client)
        }

        assert len(addresses) == 2


class TestVoices:
    def test_lists_what_voice_may_name(self, owner_client):
        voices = owner_client.get("/api/v1/voices").json()["voices"]

        assert [voice["id"] for voice in voices] == [v.id for v in voice_catalog().voices()]
        assert all(list(voice) == ["id", "name", "accent", "gender"] for voice in voices)
        for voice in voices:
            created(owner_client, {**A_TEXT, "voice": voice["id"]})


CALLS = [
    ("post", EPISODES, "episodes:write"),
    ("get", EPISODES, "episodes:read"),
    ("get", f"{EPISODES}/ep_one", "episodes:read"),
    ("delete", f"{EPISODES}/ep_one", "episodes:write"),
    ("get", "/api/v1/feed", "episodes:read"),
    ("get", "/api/v1/voices", "episodes:read"),
]


class TestRefusals:
    @pytest.mark.parametrize(("method", "path", "_scope"), CALLS)
    @pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer nope", "Basic eDp5"])
    def test_demands_a_key(self, anonymous_client, method, path, _scope, header):
        if header is not None:
            anonymous_client.credentials(HTTP_AUTHORIZATION=header)

        response = getattr(anonymous_client, method)(path)

        assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})
        assert "WWW-Authenticate" not in response

    @pytest.mark.parametrize(("method", "path", "scope"), CALLS)
    def test_demands_the_scope(self, owner, client_for, now, method, path, scope):
        others = [s for s in ("episodes:read", "episodes:write", "shows:read") if s != scope]
        client = client_for(
            issue_key(account=owner, name="x", scopes=others, actor="a test", now=now).secret
        )

        response = getattr(client, method)(path)

        assert response.status_code == 403
        assert list(response.json()) == ["error"]
        assert f'"{scope}"' in response.json()["error"]

    @pytest.mark.parametrize(("method", "path", "scope"), CALLS)
    def test_lets_the_scope_alone_through(self, owner, client_for, now, method, path, scope):
        client = client_for(
            issue_key(account=owner, name="x", scopes=[scope], actor="a test", now=now).secret
        )

        assert getattr(client, method)(path).status_code not in {401, 403}

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("put", EPISODES),
            ("delete", EPISODES),
            ("options", EPISODES),
            ("post", f"{EPISODES}/ep_one"),
            ("patch", f"{EPISODES}/ep_one"),
            ("post", "/api/v1/feed"),
            ("post", "/api/v1/voices"),
        ],
    )
    def test_refuses_other_methods(self, owner_client, method, path):
        response = getattr(owner_client, method)(path)

        assert response.status_code == 405
        assert list(response.json()) == ["error"]
