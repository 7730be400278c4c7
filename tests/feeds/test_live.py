"""Going live: the twelve checks with real probes, and the trailer."""

from __future__ import annotations

import io
import ipaddress
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import mutagen
import pyloudnorm
import pytest
import soundfile
from django.db import connection, connections, transaction
from django.utils import timezone

from billing.models import Subscription, UsageEntry
from core.storage import delete_stored, open_stored, store_bytes
from episodes.models import AudioAsset, Episode
from feeds import live, preflight, probing
from feeds.models import Trailer
from keys.scopes import EPISODES_WRITE, SHOWS_READ, SHOWS_WRITE
from keys.services import issue_key
from production import running
from production.running import run_production
from production.services import due_productions
from production.voices.base import EngineUnavailable
from shows.models import Show
from shows.services import ensure_narration_show, update_show, use_cover
from tests.contracts import examples
from tests.contracts.test_podclaw_examples import assert_shaped_like
from tests.factories import pictures
from tests.factories.published import AUDIO, publish_external, publish_produced
from tests.fakes.web_server import WebServer, answer, redirect
from webhooks.models import Event

ORDER = [
    "title_present",
    "description_present",
    "author_present",
    "owner_email_present",
    "category_valid",
    "cover_art_valid",
    "has_episodes_or_will_generate_trailer",
    "audio_urls_reachable",
    "rss_ready",
    "enclosure_length_accurate",
    "pubdate_rfc2822",
    "guids_unique_and_stable",
]
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
MP3 = b"\xff\xfb\x90\x00" + bytes(9_996)


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media", "base_url": "/media/"},
        }
    }


@pytest.fixture(autouse=True)
def _patient_probes(monkeypatch):
    """However long a slow machine takes to answer itself; the test of the wait sets its own."""
    monkeypatch.setattr(probing, "PROBES_SECONDS", 100.0)
    monkeypatch.setattr(probing, "REQUEST_SECONDS", 100.0)


@pytest.fixture(scope="module")
def small_cover():
    return pictures.drawing(1_400, kind="JPEG")


@pytest.fixture
def ready(owner, show, now, small_cover):
    """A show that lacks nothing but episodes."""
    fields = {
        "title": "My Podcast",
        "description": "News about agents. Every morning, in five minutes.",
        "author": "AI News Bot",
        "owner_email": "owner@example.com",
        "category": "Technology",
    }
    update_show(account=owner, show_id=show.pk, changes=fields, now=now)
    key = store_bytes(f"covers/{show.pk}/cover.jpg", small_cover, now=now)
    use_cover(account=owner, show_id=show.pk, storage_key=key, size=len(small_cover), now=now)
    return Show.objects.get(pk=show.pk)


@pytest.fixture
def episode(owner, ready, now):
    return publish_produced(owner, ready, now=now)


@pytest.fixture
def go_live(owner_client, ready):
    def call(client=owner_client):
        return client.post(f"/api/shows/{ready.pk}/go-live")

    return call


@pytest.fixture
def server(settings) -> Iterator[WebServer]:
    settings.OUTBOUND_ALLOW = LOOPBACK
    with WebServer() as running_server:
        yield running_server


@pytest.fixture
def serve(server):
    """A file at an address outside, whole and in parts."""

    def make(path="/a.mp3", content=MP3, **options):
        server.routes[path] = answer(content, **{"content_type": "audio/mpeg", **options})
        return server.url(path)

    return make


def failures(response):
    """The failed checks with their reasons, in order."""
    body = response.json()
    assert response.status_code == 400, body
    assert (body["success"], body["error"]) == (False, "Pre-flight validation failed")
    validation = body["validation"]
    failed = [check["check"] for check in validation["checks"] if not check["passed"]]
    assert validation["passed"] is False
    assert len(validation["checks"]) == 12
    assert failed == [text.partition(": ")[0] for text in validation["failures"]]
    return dict(text.split(": ", 1) for text in validation["failures"])


def details(response):
    checks = response.json()["validation"]["checks"]
    return {check["check"]: check.get("detail", "") for check in checks}


class TestExamplesOfThePage:
    def test_a_show_with_episodes(self, go_live, episode):
        assert_shaped_like(examples.LIVE, go_live().json())

    def test_a_show_that_is_refused(self, go_live, episode, owner, ready, now):
        changes = {"category": "Tech", "owner_email": None}
        update_show(account=owner, show_id=ready.pk, changes=changes, now=now)

        body = go_live().json()

        assert_shaped_like(examples.NOT_LIVE, body)
        assert sorted(body["validation"]["failures"]) == sorted(
            examples.NOT_LIVE["validation"]["failures"]
        )


class TestLive:
    def test_a_show_that_lacks_nothing_is_live(self, go_live, episode, ready):
        answered = go_live()

        body = answered.json()
        assert answered.status_code == 200, body
        assert (body["success"], body["status"]) == (True, "live")
        assert body["feed_url"] == f"https://podcasts.example/api/shows/{ready.pk}/feed"
        assert body["validation"]["passed"] is True
        assert [check["check"] for check in body["validation"]["checks"]] == ORDER
        assert body["trailer_generated"] is False
        assert "trailer_episode" not in body

    def test_tells_where_to_hand_the_feed_in(self, go_live, episode):
        body = go_live().json()

        for name, key, steps in (("spotify", "feed", 4), ("apple", "url", 5)):
            directory = body["distribution"][name]
            assert directory["status"] == "ready_to_submit"
            query = parse_qs(urlsplit(directory["submit_url"]).query)
            assert query[key] == [body["feed_url"]]
            lines = directory["instructions"].split("\n")
            assert [line.split(". ")[0] for line in lines] == [str(n + 1) for n in range(steps)]

    def test_is_remembered_with_its_first_time(self, go_live, episode, ready):
        assert ready.live_at is None

        go_live()
        first = Show.objects.get(pk=ready.pk).live_at
        go_live()

        assert first is not None
        assert Show.objects.get(pk=ready.pk).live_at == first

    def test_needs_no_network_for_what_is_stored_here(self, go_live, episode, monkeypatch):
        def fail(*_arguments, **_options):
            raise AssertionError("the network was used")

        monkeypatch.setattr("core.http.fetch", fail)

        assert go_live().status_code == 200

    @pytest.mark.parametrize("public_url", ["http://127.0.0.1:8000", "http://localhost:8000"])
    def test_can_be_tried_on_a_machine_without_https(self, go_live, episode, settings, public_url):
        settings.PUBLIC_URL = public_url

        answered = go_live()

        assert answered.status_code == 200
        assert "set PUBLIC_URL to an https address" in details(answered)["audio_urls_reachable"]

    def test_is_refused_for_public_addresses_without_https(self, go_live, episode, settings):
        settings.PUBLIC_URL = "http://podcasts.example.com"

        failed = failures(go_live())

        assert set(failed) == {"cover_art_valid", "audio_urls_reachable"}
        assert "set PUBLIC_URL to an https address" in failed["audio_urls_reachable"]

    def test_is_not_for_private_shows(self, owner, owner_client, now):
        with transaction.atomic():
            private = ensure_narration_show(account=owner, now=now)

        answered = owner_client.post(f"/api/shows/{private.pk}/go-live")

        assert (answered.status_code, answered.json()["code"]) == (409, "show_is_private")

    def test_is_not_for_other_accounts(self, go_live, stranger_client):
        assert go_live(stranger_client).status_code == 404

    def test_needs_the_scope(self, go_live, episode, owner, now, client_for):
        key = issue_key(account=owner, name="r", scopes=[SHOWS_READ], actor="a test", now=now)

        assert go_live(client_for(key.secret)).status_code == 403

    def test_is_limited_in_number_at_a_time(self, go_live, episode, monkeypatch):
        monkeypatch.setattr(live, "_places", threading.BoundedSemaphore(1))
        live._places.acquire()

        answered = go_live()

        assert (answered.status_code, answered["Retry-After"]) == (429, "10")


class TestChecks:
    @pytest.mark.parametrize(
        ("changes", "failed", "words"),
        [
            ({"title": "x" * 151}, ["title_length"], "151 characters; the limit is 150"),
            ({"description": None}, ["description_present", "rss_ready"], "Set description"),
            ({"description": "x" * 4_001}, ["description_length"], "the limit is 4,000"),
            ({"author": None}, ["author_present", "rss_ready"], "Set author"),
            ({"owner_email": None}, ["owner_email_present"], "activate a billing plan"),
            (
                {"category": "Tech"},
                ["category_valid"],
                '"Tech" is not in Apple\'s official category list',
            ),
            ({"category": None}, ["category_valid", "rss_ready"], "such as Technology"),
            ({"image_url": None}, ["cover_art_valid", "rss_ready"], "/api/shows/:id/image"),
        ],
    )
    def test_name_what_the_show_lacks(
        self, go_live, episode, owner, ready, now, changes, failed, words
    ):
        update_show(account=owner, show_id=ready.pk, changes=changes, now=now)

        found = failures(go_live())

        assert list(found) == failed
        assert words in found[failed[0]]
        assert Show.objects.get(pk=ready.pk).live_at is None

    @pytest.mark.parametrize("category", ["Books", "Technology", "TV & Film"])
    def test_take_every_category_of_apple(self, go_live, episode, owner, ready, now, category):
        update_show(account=owner, show_id=ready.pk, changes={"category": category}, now=now)

        assert go_live().status_code == 200

    @pytest.mark.parametrize("place", ["billing", "account"])
    def test_know_the_owner_from_elsewhere(self, go_live, episode, owner, ready, now, place):
        update_show(account=owner, show_id=ready.pk, changes={"owner_email": None}, now=now)
        if place == "billing":
            Subscription.objects.filter(account=owner).update(email="paid@example.com")
        else:
            type(owner).objects.filter(pk=owner.pk).update(email="key@example.com")

        answer = go_live()

        check = answer.json()["validation"]["checks"][ORDER.index("owner_email_present")]
        assert (answer.status_code, check["passed"]) == (200, True)
        assert "not shown in the feed" in check["detail"]
        assert "@example.com" not in answer.content.decode()

    def test_want_a_published_episode_where_there_are_others(self, go_live, owner, ready, now):
        publish_external(owner, ready, now=now, status="draft")

        found = failures(go_live())

        assert list(found) == ["has_episodes_or_will_generate_trailer"]
        assert "none is published" in found["has_episodes_or_will_generate_trailer"]


class TestCover:
    @pytest.fixture
    def cover(self, owner, ready, now):
        def use(address):
            update_show(account=owner, show_id=ready.pk, changes={"image_url": address}, now=now)

        return use

    @pytest.mark.parametrize("kind", ["JPEG", "PNG"])
    def test_outside_passes(self, go_live, episode, cover, serve, kind):
        cover(serve("/c", pictures.drawing(1_400, kind=kind), content_type="text/plain"))

        answered = go_live()

        assert answered.status_code == 200
        assert "inside OUTBOUND_ALLOW" in details(answered)["cover_art_valid"]

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: pictures.drawing(1_399), "1399 x 1399 pixels"),
            (lambda: pictures.drawing(3_001), "3001 x 3001 pixels"),
            (lambda: pictures.drawing(1_500, height=1_501), "must be square"),
            (lambda: pictures.drawing(1_400, kind="WEBP"), "must be JPEG or PNG"),
            (lambda: pictures.drawing(1_400)[:-300], "damaged or cut off"),
            (lambda: pictures.png_bomb(20_000), "too many pixels"),
            (lambda: pictures.noise(1_400), "under 512 KB"),
            (lambda: b"<html>", "not a JPEG, PNG or WebP"),
        ],
        ids=["small", "large", "strip", "webp", "cut", "bomb", "bytes", "html"],
    )
    def test_outside_is_judged_by_its_bytes(self, go_live, episode, cover, serve, make, words):
        cover(serve("/c.png", make(), content_type="image/png"))

        assert words in failures(go_live())["cover_art_valid"]

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("http://93.184.216.34/c.png", "must start with https://"),
            ("https://127.0.0.1/c.png", "private or reserved"),
            ("https://10.0.0.1/c.png", "private or reserved"),
            ("https://[::1]/c.png", "private or reserved"),
            ("https://2130706433/c.png", "private or reserved"),
            ("https://169.254.169.254/latest/meta-data", "private or reserved"),
            ("http://localhost/c.png", "must start with https://"),
        ],
    )
    def test_is_not_fetched_from_where_it_must_not(self, go_live, episode, cover, address, words):
        cover(address)

        assert words in failures(go_live())["cover_art_valid"]

    def test_that_is_not_there_fails(self, go_live, episode, cover, server):
        cover(server.url("/nothing.png"))

        assert "status 404" in failures(go_live())["cover_art_valid"]

    def test_whose_file_is_gone_fails(self, go_live, episode, ready):
        delete_stored(ready.cover_key)

        assert failures(go_live()) == {"cover_art_valid": "The cover: is missing in storage"}


class TestAudio:
    @pytest.fixture
    def publish(self, owner, ready, now):
        def add(address, **fields):
            options = {"audio_length": None, **fields}
            return publish_external(owner, ready, now=now, audio_url=address, **options)

        return add

    def test_outside_passes_and_gets_its_length(self, go_live, publish, serve, ready, client):
        made = publish(serve())
        client.get(f"/api/shows/{ready.pk}/feed")

        assert go_live().status_code == 200

        assert Episode.objects.get(pk=made.pk).audio_length == 10_000
        assert 'length="10000"' in client.get(f"/api/shows/{ready.pk}/feed").content.decode()

    def test_is_asked_for_its_head_and_its_first_bytes(self, go_live, publish, serve, server):
        publish(serve())

        go_live()

        lines = [request.split(b" ")[0] for request in server.requests]
        assert sorted(lines) == [b"GET", b"HEAD"]
        ranged = [request for request in server.requests if request.startswith(b"GET")]
        assert b"range: bytes=0-1023" in ranged[0].lower()

    def test_has_its_size_from_the_range_where_head_is_unknown(self, go_live, publish, server):
        def part(connection):
            connection.sendall(
                answer(
                    bytes(1_024),
                    status="206 Partial Content",
                    content_type="audio/mpeg",
                    headers={"Content-Range": "bytes 0-1023/77777"},
                )
            )

        server.routes["/p.mp3"] = part
        made = publish(server.url("/p.mp3"))

        go_live()

        assert Episode.objects.get(pk=made.pk).audio_length == 77_777

    def test_follows_redirects(self, go_live, publish, serve, server):
        server.routes["/old"] = redirect(serve())
        publish(server.url("/old"))

        assert go_live().status_code == 200

    @pytest.mark.parametrize(
        ("told", "passes"),
        [(10_000, True), (9_500, True), (10_501, False), (9_000, False), (1, False)],
    )
    def test_length_may_be_off_by_a_twentieth(self, go_live, publish, serve, told, passes):
        publish(serve(), audio_length=told)

        answered = go_live()

        if passes:
            assert answered.status_code == 200
        else:
            found = failures(answered)
            assert list(found) == ["enclosure_length_accurate"]
            assert (
                f"audio_length is {told:,}, the file has 10,000 bytes"
                in found["enclosure_length_accurate"]
            )

    def test_length_that_nobody_tells_is_no_failure(self, go_live, publish, server):
        server.routes["/live.mp3"] = (
            b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nConnection: close\r\n\r\n" + bytes(500)
        )
        publish(server.url("/live.mp3"))

        answered = go_live()

        assert answered.status_code == 200
        assert "could not be measured" in details(answered)["enclosure_length_accurate"]

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("http://93.184.216.34/a.mp3", "must start with https://"),
            ("https://127.0.0.1/a.mp3", "private or reserved"),
            ("https://192.168.1.1/a.mp3", "private or reserved"),
            ("https://0x7f.1/a.mp3", "private or reserved"),
            ("https://[::ffff:10.0.0.1]/a.mp3", "private or reserved"),
            ("https://93.184.216.34:22/a.mp3", "not a web port"),
        ],
    )
    def test_is_not_fetched_from_where_it_must_not(self, go_live, publish, address, words):
        publish(address)

        assert words in failures(go_live())["audio_urls_reachable"]

    def test_that_redirects_inwards_fails(self, go_live, publish, server, settings):
        settings.OUTBOUND_ALLOW = [ipaddress.ip_network("127.0.0.1/32")]
        server.routes["/in"] = redirect("http://127.0.0.2/secret")
        publish(server.url("/in"))

        assert "private or reserved" in failures(go_live())["audio_urls_reachable"]

    @pytest.mark.parametrize(
        ("reply", "words"),
        [
            (answer(status="404 Not Found"), "status 404"),
            (answer(status="500 Oops"), "status 500"),
            (answer(b"<p>Please log in</p>"), "is a web page"),
            (answer(b"", content_type="audio/mpeg"), "the file is empty"),
        ],
        ids=["404", "500", "page", "empty"],
    )
    def test_that_is_none_fails(self, go_live, publish, server, reply, words):
        server.routes["/x.mp3"] = reply
        publish(server.url("/x.mp3"))

        assert words in "".join(failures(go_live()).values())

    def test_of_many_is_asked_side_by_side_and_in_time(self, go_live, publish, server, monkeypatch):
        # None of them answers: one after the other they would take far longer than the limit.
        monkeypatch.setattr(probing, "PROBES_SECONDS", 1.0)
        server.routes["/slow.mp3"] = lambda _connection: server.closing.wait(100)
        for _ in range(8):
            publish(server.url("/slow.mp3"))

        found = failures(go_live())["audio_urls_reachable"]

        assert found.count("in time") == 3
        assert found.endswith("and 5 more")

    def test_beyond_the_cap_is_left_out_with_a_word(
        self, go_live, owner, ready, now, serve, server, monkeypatch
    ):
        monkeypatch.setattr("feeds.preflight.MOST_PROBES", 2)
        for _ in range(3):
            publish_external(owner, ready, now=now, audio_url=serve(), audio_length=10_000)

        answered = go_live()

        assert answered.status_code == 200
        assert len(server.requests) == 4

    def test_of_ours_that_is_gone_fails(self, go_live, episode):
        delete_stored(episode.asset.storage_key)

        assert "is missing in storage" in failures(go_live())["audio_urls_reachable"]

    def test_of_ours_that_is_cut_off_fails(self, go_live, episode, now):
        key = episode.asset.storage_key
        delete_stored(key)
        store_bytes(key, AUDIO[:100], now=now)

        assert "has 100 bytes" in failures(go_live())["enclosure_length_accurate"]


@contextmanager
def a_worker(pool) -> Iterator[None]:
    """Does what a worker process does, until the end of the block."""
    stop = threading.Event()

    def work():
        try:
            while not stop.is_set():
                for production_id in due_productions(now=timezone.now(), limit=5):
                    run_production(production_id=production_id, clock=timezone.now)
                stop.wait(0.05)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class TestTrailer:
    @pytest.fixture(autouse=True)
    def _patient(self, monkeypatch):
        """However long a slow machine speaks; the tests of the wait set their own."""
        monkeypatch.setattr("feeds.trailer.WAIT_SECONDS", 100.0)

    @pytest.fixture(autouse=True)
    def pool(self, shared_renderers, monkeypatch):
        monkeypatch.setattr(running, "renderers", lambda: shared_renderers)
        monkeypatch.setattr("feeds.trailer.WAIT_SECONDS", 100.0)
        return shared_renderers

    @pytest.fixture
    def worker(self, pool):
        with a_worker(pool):
            yield

    def test_is_made_for_a_show_without_episodes(self, go_live, worker, ready):
        answered = go_live()

        body = answered.json()
        assert_shaped_like(examples.LIVE_WITH_TRAILER, body)
        made = Episode.objects.select_related("asset").get()
        assert answered.status_code == 200, body
        assert body["trailer_generated"] is True
        assert body["trailer_episode"] == {
            "id": made.pk,
            "title": "My Podcast — Trailer",
            "audio_url": f"https://podcasts.example/api/shows/{ready.pk}/trailer.mp3",
            "episode_type": "trailer",
        }
        assert body["validation"]["passed"] is True
        assert (made.state, made.episode_type, made.production_state) == (
            "published",
            "trailer",
            "complete",
        )
        assert Show.objects.get(pk=ready.pk).live_at

    def test_is_told_and_costs_nothing(self, go_live, worker, owner):
        go_live()

        types = list(Event.objects.order_by("pk").values_list("type", flat=True))
        assert types[-2:] == ["episode.created", "episode.published"]
        assert not UsageEntry.objects.filter(account=owner, kind="episode").exists()

    def test_stays_free_when_it_is_changed(self, go_live, worker, owner_client, owner):
        made = go_live().json()["trailer_episode"]["id"]

        owner_client.patch(f"/api/episodes/{made}", {"title": "Hear this"}, format="json")

        assert Episode.objects.get().title == "Hear this"
        assert not UsageEntry.objects.filter(account=owner, kind="episode").exists()

    def test_is_in_the_feed(self, go_live, worker, ready, client):
        go_live()

        feed = client.get(f"/api/shows/{ready.pk}/feed").content.decode()
        assert "<itunes:episodeType>trailer</itunes:episodeType>" in feed

    def test_says_title_and_description(self, go_live, worker):
        go_live()

        script = Episode.objects.get().production.script
        said = [
            sentence["text"]
            for chapter in script["chapters"]
            for segment in chapter["segments"]
            for sentence in segment["sentences"]
        ]
        assert said == [
            "My Podcast, by AI News Bot.",
            "News about agents.",
            "Every morning, in five minutes.",
        ]

    def test_leaves_out_what_is_too_long_to_listen_to(self, go_live, worker, owner, ready, now):
        long = "This sentence comes again and again. " * 100
        update_show(account=owner, show_id=ready.pk, changes={"description": long}, now=now)

        assert go_live().status_code == 200
        assert Episode.objects.get().production.sentences_total < 40

    def test_is_not_made_a_second_time(self, go_live, worker):
        go_live()

        again = go_live()

        assert (again.status_code, again.json()["trailer_generated"]) == (200, False)
        assert Episode.objects.count() == 1

    def test_is_one_for_calls_at_the_same_time(self, go_live, worker, client_for, issued):
        def call(_number):
            try:
                return go_live(client_for(issued.secret)).json()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as callers:
            answers = list(callers.map(call, range(4)))

        assert [body.get("status") for body in answers] == ["live"] * 4
        assert Episode.objects.count() == Trailer.objects.count() == 1
        assert AudioAsset.objects.count() == 1

    def test_is_found_by_a_call_during_which_it_is_finished(self, go_live, pool, monkeypatch):
        probed = preflight.probe
        monkeypatch.setattr("feeds.trailer.WAIT_SECONDS", 0.0)
        go_live()

        def probe_while_it_is_spoken(**files):
            for production_id in due_productions(now=timezone.now(), limit=5):
                run_production(production_id=production_id, clock=timezone.now)
            return probed(**files)

        monkeypatch.setattr(preflight, "probe", probe_while_it_is_spoken)
        answered = go_live()

        assert (answered.status_code, answered.json()["status"]) == (200, "live")

    @pytest.mark.once
    def test_is_one_wherever_another_call_comes_between(self, go_live, worker):
        """Before each statement outside a transaction, one after the other, another call comes and goes."""

        def with_another_before(statement):
            countdown = itertools.count(statement, -1)
            asked = [()]

            def after_another(execute, *sql):
                # Who waits for the worker asks the same again, as often as the machine is slow.
                if not connection.in_atomic_block and sql[:2] != asked[-1]:
                    asked.append(sql[:2])
                    if next(countdown) == 0:
                        assert go_live().json()["status"] == "live"
                return execute(*sql)

            with connection.execute_wrapper(after_another):
                answered = go_live()
            assert (answered.status_code, answered.json()["status"]) == (200, "live"), statement
            return next(countdown) < 0

        for statement in itertools.count():
            came_between = with_another_before(statement)
            assert Episode.objects.count() == Trailer.objects.count() == 1
            Episode.objects.all().delete()
            if not came_between:
                break
        assert statement > 5

    def test_that_takes_too_long_is_found_by_the_next_call(self, go_live, pool, monkeypatch):
        monkeypatch.setattr("feeds.trailer.WAIT_SECONDS", 0.0)
        early = go_live()
        # As after a kill of the web process: the row is all that is left of the first call.
        monkeypatch.setattr("feeds.trailer.WAIT_SECONDS", 100.0)

        with a_worker(pool):
            late = go_live()

        assert (early.status_code, early.json()["code"]) == (409, "trailer_not_ready")
        assert early["Retry-After"] == "5"
        assert late.json()["trailer_generated"] is True
        assert Episode.objects.count() == 1

    def test_that_failed_is_tried_again_by_the_next_call(self, go_live, worker, monkeypatch):
        def fail(*_arguments, **_options):
            raise ValueError("broken voice")

        monkeypatch.setattr("production.services.RETRY_AFTER", ())
        monkeypatch.setattr("production.running.RETRY_AFTER", ())
        with monkeypatch.context() as broken:
            broken.setattr(running, "assemble", fail)
            found = failures(go_live())
        again = go_live()

        assert list(found) == ["has_episodes_or_will_generate_trailer"]
        assert "The trailer was not made" in found["has_episodes_or_will_generate_trailer"]
        assert again.json()["trailer_generated"] is True
        assert Episode.objects.count() == 1

    def test_waits_for_all_other_checks(self, go_live, owner, ready, now):
        update_show(account=owner, show_id=ready.pk, changes={"author": None}, now=now)

        assert "has_episodes_or_will_generate_trailer" not in failures(go_live())
        assert not Episode.objects.exists()

    def test_needs_a_voice(self, go_live, monkeypatch):
        def none(*_arguments):
            raise EngineUnavailable("The voice engine openai has no address.")

        monkeypatch.setattr("feeds.trailer.voice_catalog", none)

        found = failures(go_live())

        assert list(found) == ["has_episodes_or_will_generate_trailer"]
        assert "has no address" in found["has_episodes_or_will_generate_trailer"]
        assert not Episode.objects.exists()

    def test_needs_a_voice_for_the_language(self, go_live, owner, ready, now):
        update_show(account=owner, show_id=ready.pk, changes={"language": "sw"}, now=now)

        assert "No voice speaks 'sw'" in "".join(failures(go_live()).values())

    @pytest.mark.parametrize("scopes", [[SHOWS_WRITE], [SHOWS_WRITE, EPISODES_WRITE]])
    def test_needs_the_scope_for_episodes(self, go_live, worker, owner, now, client_for, scopes):
        key = issue_key(account=owner, name="k", scopes=scopes, actor="a test", now=now)

        answered = go_live(client_for(key.secret))

        if EPISODES_WRITE in scopes:
            assert answered.status_code == 200
        else:
            assert answered.status_code == 403
            assert answered.json()["error"].startswith(
                'Insufficient scope. Required: "episodes:write"'
            )
            assert not Episode.objects.exists()

    def test_is_served_under_the_address_of_the_show(self, go_live, worker, ready, client):
        path = f"/api/shows/{ready.pk}/trailer.mp3"
        assert client.get(path).status_code == 404
        go_live()

        whole = client.get(path)
        content = b"".join(whole)
        head = client.head(path)
        part = client.get(path, headers={"Range": "bytes=0-2"})
        outside = client.get(path, headers={"Range": "bytes=99999999-"})

        size = str(AudioAsset.objects.get().bytes)
        for answered in (whole, head):
            assert answered.status_code == 200
            assert answered["Content-Type"] == "audio/mpeg"
            assert answered["Content-Length"] == size
            assert answered["Cache-Control"] == "public, max-age=86400"
        assert len(content) == int(size)
        assert head.content == b""
        assert (part.status_code, b"".join(part)) == (206, b"ID3")
        assert outside.status_code == 416
        assert client.get(path, headers={"If-None-Match": whole["ETag"]}).status_code == 304
        alias = client.get(f"/api/v1/shows/{ready.pk}/trailer.mp3")
        assert b"".join(alias) == content
        assert client.post(path).status_code == 405

    def test_is_not_served_once_it_is_withdrawn(self, go_live, worker, ready, client, owner_client):
        made = go_live().json()["trailer_episode"]["id"]

        owner_client.patch(f"/api/episodes/{made}", {"status": "draft"}, format="json")

        answered = client.get(f"/api/shows/{ready.pk}/trailer.mp3")
        assert (answered.status_code, answered.json()["success"]) == (404, False)

    def test_sounds_as_it_should(self, go_live, worker):
        go_live()

        asset = AudioAsset.objects.get()
        with open_stored(asset.storage_key) as file:
            content = file.read()
        samples, rate = soundfile.read(io.BytesIO(content[asset.header_bytes :]))
        assert mutagen.File(io.BytesIO(content)).info.length == pytest.approx(
            asset.duration_seconds, abs=0.1
        )
        assert 2 < len(samples) / rate < 60
        assert pyloudnorm.Meter(rate).integrated_loudness(samples) == pytest.approx(-16, abs=1)
