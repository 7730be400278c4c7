"""Input that means harm: each a clear refusal that names the field, nothing stored, nothing logged."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from config.serving import make_application
from core import fields
from episodes.models import Episode
from keys.serializers import ScopesField
from shows.services import RESERVED_SLUGS
from tests.contracts.calls import every_call, good_value, stored_rows
from webhooks.serializers import EventsField

application = make_application()
AUDIO = "https://cdn.example.com/a.mp3"
HUGE = 10**30
WITH_BODY = [call for call in every_call() if call.fields()]
NO_TEXT: list[object] = [7, True, 1.5, [], ["x"], {}, {"a": 1}]
NO_URL = [
    *NO_TEXT,
    "javascript:alert(1)",
    "file:///etc/passwd",
    "ftp://example.com/a.mp3",
    "data:audio/mpeg;base64,AAAA",
    "//example.com/a.mp3",
    "https://",
    "https://user:password@example.com/a.mp3",
    "https://example.com:0/a.mp3",
    "https://example.com\\@evil.example/",
    "https://exa mple.com/",
    "https://example.com/" + "a" * 10_000,
    "\x00",
]
#: Values that no field of the kind takes.
BAD_VALUES: dict[type, list[object]] = {
    fields.WebAddressField: NO_URL,
    fields.EmailField: [*NO_TEXT, "nobody", "a@b@c.example", "x" * 10_000 + "@example.com"],
    fields.MimeTypeField: [*NO_TEXT, "mp3", "text/html", "audio/", "audio/mpeg\nX-Evil: 1" * 9],
    fields.ChoiceField: [*NO_TEXT, "something else", "\x00"],
    fields.BooleanField: ["perhaps", 2, -1, 0.5, [], {}, [True], "x" * 10_000],
    fields.NumberField: [
        "many",
        True,
        [],
        {},
        -1,
        -HUGE,
        HUGE,
        2**63,
        2**64,
        "9" * 400,
        "0x10",
        "\u0661",
    ],
    fields.MomentField: [
        7,
        True,
        [],
        {},
        "soon",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-02-30",
        "2026-01-01T00:00:00+99:99",
        "9" * 10_000,
    ],
    ScopesField: ["shows:read", 7, {}, [7], [[]], [None], ["shows:admin"], ["*"], []],
    EventsField: ["*", 7, {}, [7], [[]], [None], ["show.stolen"], []],
    fields.TextField: NO_TEXT,
}
PRIVATE_HOSTS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "0.0.0.0",  # noqa: S104 - not bound
    "0",
    "10.1.2.3",
    "169.254.169.254",
    "192.168.1.1",
    "100.64.0.1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[fe80::1]",
    "[fd00::1]",
    "[2002:7f00:1::]",
    "\uff11\uff12\uff17.0.0.1",  # full-width digits
    "\u2460\u2461\u2466.0.0.1",  # digits in circles
    "127\u30020\u30020\u30021",  # ideographic full stops
]


@pytest.fixture(autouse=True)
def _resolver_knows_nothing(monkeypatch):
    def unknown(host, *_arguments, **_options):
        raise OSError(host)

    monkeypatch.setattr("socket.getaddrinfo", unknown)


def bad_values(field):
    values = next(values for kind, values in BAD_VALUES.items() if isinstance(field, kind))
    if isinstance(field, fields.TextField):
        values = [*values, "x" * (field.max_length + 1)]
    return values


def assert_names(answer, field, sent):
    assert answer.status_code == 400, (field, sent, answer.content)
    told = answer.json()
    assert told["success"] is False
    assert (told["field"] or "").partition(".")[0] == field, (sent, told)
    assert told["error"].startswith(f"{field}: "), (sent, told)


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_no_field_of_any_call_takes_what_it_is_not_for(call, known, owner_client):
    before = stored_rows()

    for name, field in call.fields().items():
        for value in bad_values(field):
            body = {**call.body(known), name: value}
            assert_names(call.send(owner_client, known, body), name, value)

    assert stored_rows() == before


def test_values_that_are_called_good_are_taken(known, owner_client):
    """Otherwise the refusals above might come from elsewhere."""
    for call in WITH_BODY:
        if call.method == "PATCH":
            for name, field in call.fields().items():
                answer = call.send(owner_client, known, {name: good_value(field)})
                assert answer.status_code == 200, (str(call), name, answer.content)


class TestAudioAddresses:
    @pytest.mark.parametrize("host", PRIVATE_HOSTS)
    def test_lead_into_no_private_network_in_any_notation(self, owner_client, show, host):
        before = stored_rows()
        body = {"title": "x", "audio_url": f"http://{host}/a.mp3", "show_id": show.pk}

        assert_names(
            owner_client.post("/api/episodes/publish", body, format="json"), "audio_url", host
        )
        assert stored_rows() == before

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_may_lead_where_the_operator_allows_it(self, owner_client, show, settings, host):
        import ipaddress  # noqa: PLC0415

        settings.OUTBOUND_ALLOW = (ipaddress.ip_network("127.0.0.0/8"),)
        body = {"title": "x", "audio_url": f"http://{host}:9000/a.mp3"}

        answer = owner_client.post(f"/api/shows/{show.pk}/episodes", body, format="json")

        assert answer.status_code == 201

    @pytest.mark.parametrize(
        "address",
        [
            "https://podcasts.example/api/track/{episode}",
            "https://podcasts.example/api/v1/track/{episode}.mp3",
            "HTTPS://Podcasts.Example:443/api/track/{episode}",
            "https://podcasts.example./api/track/{episode}",
            "https://op3.dev/e/https://podcasts.example/api/track/{episode}",
            "https://op3.dev/e/podcasts.example/api/track/{episode}.mp3",
            "https://podcasts.example/api/shows/1/feed",
        ],
    )
    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_do_not_lead_back_here(self, owner_client, known, address, method):
        before = stored_rows()
        path = f"/api/shows/{known['show_id']}/episodes"
        if method == "PATCH":
            path += f"/{known['episode_id']}"
        body = {"title": "x", "audio_url": address.format_map(known)}

        answer = owner_client.generic(method, path, json.dumps(body), "application/json")

        assert_names(answer, "audio_url", address)
        assert stored_rows() == before


class TestTexts:
    @pytest.mark.parametrize("path", ["/api/shows", "/api/shows/{show}/episodes"])
    def test_of_ten_thousand_characters_are_no_titles(self, owner_client, show, path):
        body = {"title": "\U0001f399" * 10_000, "audio_url": AUDIO}

        answer = owner_client.post(path.format(show=show.pk), body, format="json")

        assert_names(answer, "title", "a long title")

    def test_lose_characters_that_no_feed_can_hold(self, owner_client):
        body = {"title": "a\x00b\x08c\ufffed", "description": "one\x0b\ntwo"}

        told = owner_client.post("/api/shows", body, format="json").json()["show"]

        assert (told["title"], told["description"]) == ("abcd", "one\ntwo")

    @pytest.mark.parametrize("title", ["\ufeff", "\u3000\u200b \u2060", "\u202e\u2066", "\u00ad"])
    def test_with_nothing_to_see_are_no_titles(self, owner_client, title):
        answer = owner_client.post("/api/shows", {"title": title}, format="json")

        assert_names(answer, "title", repr(title))

    @pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
    def test_are_no_slugs_when_they_are_routes(self, owner_client, slug):
        body = {"title": "A show", "slug": slug}

        answer = owner_client.post("/api/shows", body, format="json")

        assert answer.status_code == 409
        assert answer.json()["field"] == "slug"
        generated = owner_client.post("/api/shows", {"title": slug}, format="json").json()["show"]
        assert generated["slug"] != slug

    @pytest.mark.parametrize("slug", ["../admin", "a/b", "a.b", "a b", "a%2fb", "é", "-", "a\nb"])
    def test_are_no_slugs_when_an_address_cannot_hold_them(self, owner_client, slug):
        answer = owner_client.post("/api/shows", {"title": "A", "slug": slug}, format="json")

        assert_names(answer, "slug", slug)


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b'{"title": "a", "title": "b"}', 400),
            (b'{"title": "a", "x": {"y": 1, "y": 2}}', 400),
            (b'{"title": Infinity}', 400),
            (b'{"title": "a", "explicit": 1e999}', 400),
            (b'{"title": ' + b"9" * 5_000 + b"}", 400),
            (b'{"title": "a\x00b"}', 400),
            (b'{"a":' * 60 + b"1" + b"}" * 60, 400),
            (b'{"a":' * 100_000, 400),
            (b'{"title": "' + b"x" * 10_000_000 + b'"}', 413),
            (b"{}" + b" " * 10_000_000, 413),
        ],
        ids=[
            "a name twice",
            "a name twice inside",
            "infinity",
            "a number beyond floats",
            "a number of 5,000 digits",
            "a bare NUL",
            "deep",
            "deep without end",
            "ten megabytes of text",
            "ten megabytes of nothing",
        ],
    )
    def test_that_are_no_honest_json_are_refused(self, owner_client, body, status):
        before = stored_rows()

        answer = owner_client.generic("POST", "/api/shows", body, "application/json")

        assert answer.status_code == status
        assert answer["Content-Type"] == "application/json"
        assert answer.json()["success"] is False
        assert stored_rows() == before

    @pytest.mark.parametrize("length", ["abc", "-1", "", "99999999999999999999", "1_0", "100"])
    def test_of_another_length_than_they_say_are_refused(self, issued, length):
        before = stored_rows()
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/api/shows",
            "QUERY_STRING": "",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": length,
            "HTTP_AUTHORIZATION": f"Bearer {issued.secret}",
            "wsgi.input": io.BytesIO(b'{"title": "cut o'),
            "wsgi.url_scheme": "http",
            "wsgi.errors": io.StringIO(),
        }
        statuses: list[str] = []

        answer = application(environ, lambda status, _headers: statuses.append(status))
        told = json.loads(b"".join(answer))

        assert statuses == ["400 Bad Request"]
        assert told["success"] is False
        assert stored_rows() == before


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/podcasts/x",
        "/mcp",
        "/mcp/x",
        "/api/v1/nothing",
        "/api//shows",
        "/api/shows/../x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_addresses_of_nothing_are_json_whatever_the_method(owner_client, path, method):
    answer = owner_client.generic(method, path, b"{", "application/json")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Request-Id"]


def test_nothing_that_was_sent_is_logged(known, owner_client, capfd, caplog):
    secret = "Very-Secret-Words"
    for call in WITH_BODY:
        for name in call.fields():
            call.send(owner_client, known, {name: f"\x00{secret}"})
    owner_client.generic("POST", "/api/shows", f'{{"{secret}": "{secret}', "application/json")
    owner_client.get(f"/api/{secret}?key={secret}", headers={"x-request-id": f"{secret} {secret}"})
    owner_client.get("/api/shows", headers={"authorization": f"Bearer {secret}"})
    owner_client.get("/api/shows", headers={"idempotency-key": secret, "host": f"{secret}.example"})

    written = capfd.readouterr()
    logged = caplog.text + written.out + written.err
    assert "request_finished" in logged
    assert secret.lower() not in logged.lower()


def test_a_hundred_at_once_get_no_more_than_the_plan_allows(owner, show, issued, client_for):
    def publish(number: int) -> int:
        body = {"title": f"Episode {number}", "audio_url": AUDIO}
        try:
            path = f"/api/shows/{show.pk}/episodes"
            return client_for(issued.secret).post(path, body, format="json").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(publish, range(100)))

    assert sorted(codes) == [201] * 10 + [429] * 90
    assert Episode.objects.filter(show=show).count() == 10
